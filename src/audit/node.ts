// Audits a file on this machine: opens it, attacks it, runs the diagnostics, and writes the results to a folder.
import { join } from "node:path";
import { isSameData, openDatasetNode } from "../data/node.ts";
import { evaluateNode } from "../evaluate/node.ts";
import { EvaluateOptions } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import { leaseWork, type WorkLease } from "../files/lease/node.ts";
import { writeWhole } from "../files/node.ts";
import { readTextIfThere } from "../files/read/node.ts";
import { defined } from "../math/defined.ts";
import type { OnNote } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import { describeDependence, isQuantisation } from "../models/batch-dependence.ts";
import { isExported } from "../models/export.ts";
import { statedShape, takesIntegers } from "../models/image-input.ts";
import { readModelNode } from "../models/node.ts";
import { nonFiniteNode } from "../models/non-finite.ts";
import { openModelNode } from "../models/opening/node.ts";
import { counted } from "../report/format.ts";
import type { AuditFiles, NodeAudit } from "./audit-request.ts";
import { AuditedNetwork } from "./audited-network.ts";
import { type AuditedModel, openAudited } from "./open-audited.ts";
import type { AuditOptions } from "./options.ts";
import { auditOptions } from "./plan.ts";
import { nothingProbed } from "./probe.ts";
import { type AuditResult, auditResult } from "./result.ts";
import type { NotRun } from "./run-diagnostics.ts";
import { inputFiles } from "./saved-inputs.ts";
import type { NetworkFile } from "./sidecar.ts";
import { writeResults } from "./write/node.ts";

export type { NodeAudit } from "./audit-request.ts";

/** A finished row; at the end the result and the paths of the files that hold it. */
export type AuditEvent =
  | { readonly event: "row"; readonly row: Row; readonly done: number; readonly total: number }
  | { readonly event: "result"; readonly result: AuditResult; readonly files: readonly string[] };

/** What an ONNX file states about its input; null for a run directory or a checkpoint. */
async function networkFile(path: string, input?: string): Promise<NetworkFile | null> {
  if (!/\.onnx(\.gz)?$/.test(path)) return null;
  const { metadata, inputs } = await readModelNode(path);
  const isOwn = isExported(metadata);
  const declared = inputs.find(({ name }) => name === input) ?? inputs[0];
  if (declared === undefined) return { isOwn, takesWhole: false };
  return { isOwn, takesWhole: takesIntegers(declared), input: statedShape(declared) };
}

/** The files of this machine. */
const auditFiles = ({ dataDir }: NodeAudit): AuditFiles => ({
  readText: readTextIfThere,
  isSameData,
  openData: (name, options) => openDatasetNode(name, { ...options, dataDir }),
  openModel: openModelNode,
  network: networkFile,
});

/**
 * Attacks the first test images with the budget's attacks, runs the diagnostics, and writes rows, `summary.json`,
 * `report.html` and images to `out`. Yields each row once it is written, and the result at the end. If `signal` aborts it
 * ends without a result, and `resume` continues later. Throws `UsageError`.
 */
export async function* auditNode(
  path: string,
  options: AuditOptions,
  audit: NodeAudit,
): AsyncGenerator<AuditEvent, void, void> {
  const { out, signal, note } = audit;
  const audited = await openAudited(path, audit, options, auditFiles(audit));
  const lease =
    out === undefined
      ? null
      : await leaseWork({
          prefix: join(out, "lease"),
          owned: out,
          remedy: "choose another --out",
          note,
          signal,
        });
  try {
    yield* runAudit({ path, options, audit, audited, lease });
  } finally {
    await lease?.release();
  }
}

/** An audit whose model and data are open. Nothing is written once another process has the lease. */
interface OpenedAudit {
  readonly path: string;
  readonly options: AuditOptions;
  readonly audit: NodeAudit;
  readonly audited: AuditedModel;
  readonly lease: WorkLease | null;
}

/** Diagnostics run one by one; a failure is recorded, and the others still run. */
class Diagnoses {
  readonly failures: NotRun[] = [];
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** The result of a diagnostic, or `fallback` where it fails. `what` names it. */
  async run<T>(what: string, diagnostic: () => Promise<T>, fallback: T): Promise<T> {
    try {
      return await diagnostic();
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      const { message } = error as Error;
      this.failures.push({ what, reason: message, fixable: error instanceof UsageError });
      return fallback;
    }
  }
}

/** The noise that the model is attacked with: the given one, or else its own. */
function noiseOf({ path, options, audit, audited }: OpenedAudit): string | null {
  if (options.noise !== undefined) return options.noise;
  const { noise } = audited.model;
  if (noise !== null)
    audit.note?.({
      code: "noise",
      text: `${path} states that it adds the noise ${noise} at every prediction; it is attacked with it, through EOT`,
    });
  return noise;
}

/** Writes the first test images as the network sees them, if `saveInputs` asks for them. */
async function writeInputs({ audit, audited }: OpenedAudit, note: OnNote): Promise<void> {
  const { runtime, out, saveInputs = 0 } = audit;
  if (out === undefined || saveInputs === 0) return;
  const { model, dataset } = audited;
  const { architecture } = model;
  const files = await inputFiles({ runtime, architecture, dataset, count: saveInputs });
  const folder = join(out, "inputs");
  for (const [name, bytes] of files) await writeWhole(join(folder, name), bytes);
  note({
    code: "saved-inputs",
    text: `wrote ${counted(files.size - 1, "image")} as the network sees them in ${folder}`,
  });
}

/** The options of the evaluation that runs the attacks. */
function evaluationOptions(options: AuditOptions, classes: number, noise: string | null) {
  const { budget, examples, seed, rule, batch, epsilonLinf, epsilonL2, epsilonL1 } = options;
  const norms = [...new Set(options.norms)];
  return EvaluateOptions.parse({
    ...auditOptions({ norms, budget, classes, randomised: noise !== null }),
    examples,
    seed,
    rule,
    batch,
    epsilonLinf,
    epsilonL2,
    epsilonL1,
    noise: noise ?? undefined,
  });
}

async function* runAudit(opened: OpenedAudit): AsyncGenerator<AuditEvent, void, void> {
  const { options, audit, audited, lease } = opened;
  const { runtime, out, resume = false, saveExamples, signal, command } = audit;
  const { note = () => undefined } = audit;
  const { model, dataset } = audited;
  for (const one of model.notes ?? []) note(one);
  const noise = noiseOf(opened);
  const { classes } = model.architecture;
  const evaluation = evaluationOptions(options, classes, noise);
  await writeInputs(opened, note);
  const network = await AuditedNetwork.open(audited, audit, options);
  try {
    const { dependence } = network;
    if (dependence !== null)
      note({
        code: "batch-dependent",
        text: `${describeDependence(dependence)}; every image is scored alone${isQuantisation(dependence) ? "" : ", and the audit is invalid"}`,
      });
    const rows: Row[] = [];
    let missing = 0;
    for await (const { row, done, total } of evaluateNode(model, evaluation, {
      network: network.network,
      target: { ...runtime.target },
      resume,
      data: dataset,
      note,
      out: out === undefined ? undefined : join(out, "rows.jsonl"),
      ...defined({ saveExamples, signal, command }),
      locate: (at) => nonFiniteNode(runtime, model.architecture, model.parameters, at),
    })) {
      rows.push(row);
      missing = total - done;
      yield { event: "row", row, done, total };
    }
    if (missing > 0 || signal?.aborted) return;
    const diagnoses = new Diagnoses(signal);
    const probe = await diagnoses.run(
      "the probe of gradients and attacks",
      () => network.probe(),
      nothingProbed(options.norms[0]),
    );
    const decisions = await diagnoses.run(
      "the comparison of decisions",
      () => network.compareDecisions(),
      null,
    );
    const better = await diagnoses.run(
      "the comparison of preprocessings",
      () => network.betterPreprocessing(),
      null,
    );
    const result = auditResult({
      rows,
      classes,
      notes: model.notes ?? [],
      budget: options.budget,
      noise,
      preprocessing: audited.preprocessing,
      head: model.head ?? [],
      classNames: dataset.classes,
      attacks: evaluation.attacks,
      required: options.require ?? null,
      probe,
      better,
      batch: dependence,
      decisions,
      failures: diagnoses.failures,
      trainedOn: audited.trainedOn,
    });
    const files = out === undefined ? [] : await writeResults(out, result, rows, lease);
    yield { event: "result", result, files };
  } finally {
    await network.release();
  }
}
