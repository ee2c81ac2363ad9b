// An audit of a file on this machine: what is read before it begins, its attacks, and what it leaves in a folder.
import { join } from "node:path";
import { withMaxBatch } from "../attacks/max-batch.ts";
import type { Victim } from "../attacks/victim.ts";
import { isSameData, openDatasetNode } from "../data/node.ts";
import { parseNpz } from "../data/npz.ts";
import { firstImages } from "../evaluate/batch.ts";
import { stoppable } from "../evaluate/evaluated-model.ts";
import { evaluateNode } from "../evaluate/node.ts";
import { EvaluateOptions } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import { summarize } from "../evaluate/summary.ts";
import { leaseWork, type WorkLease } from "../files/lease/node.ts";
import { writeWhole } from "../files/node.ts";
import { readBytesIfThere, readTextIfThere } from "../files/read/node.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "../models/architecture.ts";
import {
  batchDependence,
  describeDependence,
  isQuantisation,
  oneByOne,
} from "../models/batch-dependence.ts";
import { classifier } from "../models/classifier.ts";
import { compareDecisions } from "../models/decisions.ts";
import { isExported } from "../models/export.ts";
import { statedShape, takesWhole } from "../models/image-input.ts";
import type { ImportedOptions } from "../models/imported-network.ts";
import { readModelNode } from "../models/node.ts";
import { nonFiniteNode } from "../models/non-finite.ts";
import { openModelNode } from "../models/opening/node.ts";
import { evaluationsOf } from "../report/evaluations.ts";
import { counted } from "../report/format.ts";
import { readRowsFile } from "../report/node.ts";
import { page } from "../report/page.ts";
import { readImages } from "../report/read-images.ts";
import { imageFiles } from "./example-images.ts";
import { type AuditFiles, type NodeAudit, openAudited } from "./open-audited.ts";
import { type AuditOptions, largestRadii } from "./options.ts";
import { auditOptions } from "./plan.ts";
import { type BetterPreprocessing, betterPreprocessing } from "./preprocessings.ts";
import { nothingProbed, type Probe, probe } from "./probe.ts";
import { type AuditResult, auditResult } from "./result.ts";
import type { NotRun } from "./run-diagnostics.ts";
import { inputFiles } from "./saved-inputs.ts";
import { auditSections } from "./section.ts";
import type { NetworkFile } from "./sidecar.ts";
import { without } from "./without.ts";

/** Images that the probe looks at. */
const PROBED = 32;
/** Images on which the file's own decisions are compared with those of the scores before its output. */
const COMPARED = 256;

export type { NodeAudit } from "./open-audited.ts";

/** A finished row, or at the end what the audit says and the files that hold it. */
export type AuditEvent =
  | { readonly event: "row"; readonly row: Row; readonly done: number; readonly total: number }
  | { readonly event: "result"; readonly result: AuditResult; readonly files: readonly string[] };

/** What an ONNX file says of its images before it is opened; null for a run directory or a checkpoint. */
async function networkFile(path: string, input?: string): Promise<NetworkFile | null> {
  if (!/\.onnx(\.gz)?$/.test(path)) return null;
  const { metadata, inputs } = await readModelNode(path);
  const declared = inputs.find(({ name }) => name === input) ?? inputs[0];
  if (declared === undefined) return { isOwn: isExported(metadata), takesWhole: false };
  return {
    isOwn: isExported(metadata),
    takesWhole: takesWhole(declared),
    input: statedShape(declared),
  };
}

/** This machine's disk. */
const auditFiles = ({ dataDir }: NodeAudit): AuditFiles => ({
  readText: readTextIfThere,
  isSameData,
  openData: (name, options) => openDatasetNode(name, { ...options, dataDir }),
  openModel: openModelNode,
  network: networkFile,
});

/**
 * Attacks the first test images with the budget's attacks, asks the network what a probe asks, and writes rows,
 * `summary.json`, `report.html` and images. Yields each row as it is written, and the result at the end; without a
 * result where `signal` aborts, and `resume` then goes on.
 */
export async function* auditNode(
  path: string,
  given: AuditOptions,
  where: NodeAudit,
): AsyncGenerator<AuditEvent, void, void> {
  const { out, signal, note } = where;
  const opened = await openAudited(path, where, given, auditFiles(where));
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
    yield* audited({ path, given, where, opened, lease });
  } finally {
    await lease?.release();
  }
}

/** An audit of what has been opened; nothing is written once another process has the lease. */
interface Opened {
  readonly path: string;
  readonly given: AuditOptions;
  readonly where: NodeAudit;
  readonly opened: Awaited<ReturnType<typeof openAudited>>;
  readonly lease: WorkLease | null;
}

async function* audited(audit: Opened): AsyncGenerator<AuditEvent, void, void> {
  const { path, given, where, lease } = audit;
  const { runtime, out, resume = false, saveExamples, signal, command } = where;
  const { note = () => undefined } = where;
  const { model, dataset, preprocessing, trainedOn, reopened } = audit.opened;
  for (const one of model.notes ?? []) note(one);
  const { budget, examples, seed, noise, rule, batch, epsilonLinf, epsilonL2, epsilonL1 } = given;
  const own = noise ?? model.noise;
  if (noise === undefined && model.noise !== null)
    note({
      code: "noise",
      text: `${path} says that it adds the noise ${model.noise} at every prediction; it is attacked with it, through EOT`,
    });
  const norms = [...new Set(given.norms)];
  const { classes } = model.architecture;
  const options = EvaluateOptions.parse({
    ...auditOptions({ norms, budget, classes, randomised: own !== null }),
    examples,
    seed,
    rule,
    batch,
    epsilonLinf,
    epsilonL2,
    epsilonL1,
    ...(own !== null && { noise: own }),
  });
  const { saveInputs: saved = 0 } = where;
  if (out !== undefined && saved > 0) {
    const folder = join(out, "inputs");
    const { architecture } = model;
    const files = await inputFiles({ runtime, architecture, dataset, count: saved });
    for (const [name, bytes] of files) await writeWhole(join(folder, name), bytes);
    note({
      code: "saved-inputs",
      text: `wrote ${counted(files.size - 1, "image")} as the network sees them in ${folder}`,
    });
  }
  const dependence = await batchDependence(runtime, model.architecture, {
    ...firstImages(dataset.test),
    size: batch,
  });
  if (dependence !== null)
    note({
      code: "batch-dependent",
      text: `${describeDependence(dependence)}; every image is scored alone${isQuantisation(dependence) ? "" : ", and the audit is invalid"}`,
    });
  /** The network as it is audited, whose scores depend on no other image. */
  const alone = (architecture: Architecture) =>
    dependence === null ? architecture : oneByOne(architecture);
  const network = classifier(runtime, alone(model.architecture), model.parameters);
  /** What diagnostics ask, `batch` images at once. */
  const asked = (victim: Victim) => stoppable(withMaxBatch(victim, batch), signal);
  const rows: Row[] = [];
  /** Gradients of zero are compared with those of a copy that lets them through. */
  async function probed(): Promise<Probe> {
    const rounds = (model.notes ?? []).some(({ code }) => code === "zero-gradient");
    const copy = rounds ? await opening({ straightThrough: true }) : null;
    try {
      return await probe(asked(network), dataset.test, {
        seed,
        radii: largestRadii(given),
        examples: Math.min(examples, PROBED),
        copy: copy && asked(copy),
      });
    } finally {
      await copy?.release();
    }
  }
  const opening = async (more: ImportedOptions) => {
    const { architecture, parameters } = await reopened(more);
    return classifier(runtime, alone(architecture), parameters);
  };
  async function otherPreprocessing(): Promise<BetterPreprocessing | null> {
    if (model.reading === undefined) return null;
    const copied = async (usual: ImportedOptions) => {
      const copy = await opening(usual);
      return { ...withMaxBatch(copy, batch), release: () => copy.release() };
    };
    return betterPreprocessing(withMaxBatch(network, batch), copied, dataset.test, {
      count: 2 * PROBED,
      channels: dataset.shape[0],
      signal,
    });
  }
  /** The first images' classes as the file's output and as the scores before it have them. */
  const compared = () => {
    const indices = Array.from(
      { length: Math.min(examples, COMPARED, dataset.test.size) },
      (_, i) => i,
    );
    const size = dependence === null ? batch : 1;
    return compareDecisions(runtime, model.architecture, dataset.test.images(indices), size);
  };
  const failures: NotRun[] = [];
  /** The result of a diagnostic; where it fails, what is known without it, and the failure is recorded. */
  async function tried<T>(what: string, work: () => Promise<T>, without: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) throw error;
      const { message } = error as Error;
      failures.push({ what, reason: message, fixable: error instanceof UsageError });
      return without;
    }
  }
  try {
    let missing = 0;
    for await (const { row, done, total } of evaluateNode(model, options, {
      network,
      target: { ...runtime.target },
      resume,
      data: dataset,
      note,
      ...(out !== undefined && { out: join(out, "rows.jsonl") }),
      ...without({ saveExamples, signal, command }),
      locate: (at) => nonFiniteNode(runtime, model.architecture, model.parameters, at),
    })) {
      rows.push(row);
      missing = total - done;
      yield { event: "row", row, done, total };
    }
    if (missing > 0 || signal?.aborted) return;
    const [norm] = norms;
    const found = await tried("the probe of gradients and attacks", probed, nothingProbed(norm));
    const decisions = await tried("the comparison of decisions", compared, null);
    const better = await tried("the comparison of preprocessings", otherPreprocessing, null);
    const result = auditResult({
      rows,
      classes,
      notes: model.notes ?? [],
      budget,
      noise: own,
      preprocessing,
      head: model.head ?? [],
      classNames: dataset.classes,
      attacks: options.attacks,
      required: given.require ?? null,
      probe: found,
      better,
      batch: dependence,
      decisions,
      failures,
      trainedOn,
    });
    yield {
      event: "result",
      result,
      files: out === undefined ? [] : await written(out, result, rows, lease),
    };
  } finally {
    await network.release();
  }
}

/** Writes summary.json, report.html and images beside the rows in `out`; returns their paths. */
async function written(
  out: string,
  result: AuditResult,
  rows: readonly Row[],
  lease: WorkLease | null,
): Promise<string[]> {
  const [summary, report] = [join(out, "summary.json"), join(out, "report.html")];
  await lease?.check();
  await writeWhole(summary, `${JSON.stringify(result, null, 2)}\n`);
  const bytes = await readBytesIfThere(join(out, "rows.examples.npz"));
  const sets = bytes === null ? [] : readImages(parseNpz("images", bytes));
  const written: string[] = [];
  for (const [name, png] of imageFiles(sets, rows)) {
    const file = join(out, "pictures", name);
    await lease?.check();
    await writeWhole(file, png);
    written.push(file);
  }
  const evaluations = evaluationsOf([await readRowsFile(join(out, "rows.jsonl"))], {
    summarize,
    parseNpz,
  });
  const begun = { title: `Audit of ${result.model}`, sections: auditSections(result) };
  await lease?.check();
  await writeWhole(report, page(evaluations, begun));
  return [summary, report, ...written];
}
