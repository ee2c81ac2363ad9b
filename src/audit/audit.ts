// Audits a model: opens it, attacks it, runs the diagnostics, and writes the results.

import { evaluateModel, type StoredEvaluation } from "../evaluate/evaluation.ts";
import type { EvaluateOptions } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import type { CustomAttacks } from "../evaluate/runs.ts";
import { noneSpared } from "../evaluate/spared.ts";
import type { WorkLease } from "../files/lease/lease.ts";
import type { RowsFile } from "../files/rows/rows-file.ts";
import { UsageError } from "../math/usage-error.ts";
import { nonFiniteNode } from "../models/non-finite.ts";
import { evaluationOptions } from "./attack-options.ts";
import type { AuditRequest } from "./audit-request.ts";
import { AuditedNetwork } from "./audited-network.ts";
import { auditedNoise } from "./audited-noise.ts";
import { DECISIONS, PREPROCESSINGS, PROBE, SATURATION } from "./checks.ts";
import type { Facts } from "./diagnostic.ts";
import { DiagnosticRunner } from "./diagnostic-runner.ts";
import { type AuditedModel, openAudited } from "./open-audited.ts";
import { type AuditOptions, probedRadii, searchedNorms } from "./options.ts";
import { nothingProbed } from "./probe.ts";
import type { LowerBounds, ProveEvent } from "./prove/lower-bounds.ts";
import { openLowerBounds } from "./prove/open.ts";
import { proofSummary } from "./prove/proof-summary.ts";
import { type AuditResult, auditResult } from "./result.ts";
import { dependenceNote } from "./run-diagnostics.ts";
import type { AuditSharing } from "./sharing.ts";
import { openRadii } from "./smallest/radii-file.ts";
import { isSearched, type RadiusRow } from "./smallest/radius-row.ts";
import { searchAfterAttacks } from "./smallest/search-after-attacks.ts";
import type { SearchEvent } from "./smallest/searched-audit.ts";
import { smallestOf } from "./smallest/smallest.ts";
import type { TimedAttacks } from "./timed/timed-attacks.ts";
import { exceededNote, openTimedAttacks, probedImages } from "./timed/timed-audit.ts";

/**
 * One event per finished row, one per batch of the search for smallest radii, and with `prove` one per proof and certificate.
 * The last event holds the result and the paths of the files that store it.
 */
export type AuditEvent =
  | { readonly event: "row"; readonly row: Row; readonly done: number; readonly total: number }
  | ProveEvent
  | SearchEvent
  | { readonly event: "result"; readonly result: AuditResult; readonly files: readonly string[] };

/** The file of rows in an audit's storage. */
const ROWS = "rows.jsonl";

/** An audit whose model and data are open. Nothing is written once another process has the lease. */
interface OpenedAudit {
  readonly options: AuditOptions;
  readonly audit: AuditRequest;
  readonly audited: AuditedModel;
  readonly sharing: AuditSharing;
  readonly lease: WorkLease | null;
  /** Where searches for smallest radii are stored. */
  readonly radii: RowsFile<RadiusRow> | null;
}

/**
 * Attacks the first test images with the budget's attacks, runs the diagnostics, and writes rows, `summary.json`,
 * `report.html` and images to `out`. Yields each row once it is written, and the result last. An audit that `signal` aborts
 * yields no result; an audit with `resume` continues from its rows. `sharing` gives a part to other processes. Throws `UsageError`.
 */
export async function* auditModel(
  options: AuditOptions,
  audit: AuditRequest,
  sharing: AuditSharing = {},
): AsyncGenerator<AuditEvent, void, void> {
  const { out, signal, note } = audit;
  const audited = await openAudited(audit, options);
  await sharing.onOpened?.(audited);
  const lease =
    out === undefined
      ? null
      : await out.lease("lease", { owned: out.path, remedy: "choose another --out", note, signal });
  let radii: RowsFile<RadiusRow> | null = null;
  try {
    if (sharing.range === undefined) radii = await openRadii({ options, audit, audited }, ROWS);
    yield* runAudit({ options, audit, audited, sharing, lease, radii });
  } finally {
    await radii?.close();
    await lease?.release();
  }
}

/** The noise of the attacked classifier: the given noise, or else the model's own. */
function noiseOf({ options, audit, audited }: OpenedAudit): string | null {
  if (options.noise !== undefined) return options.noise;
  const { noise } = audited.model;
  if (noise !== null)
    audit.note?.({
      code: "noise",
      text: `${audit.source.path} states that it adds noise ${noise} to every image; attacks average over this noise (EOT)`,
    });
  return noise;
}

/** The results of an audit's attacks. */
interface AttackResults {
  readonly rows: readonly Row[];
  /** Files stored beside the rows; undefined if nothing is stored, or rows are missing. */
  readonly stored: StoredEvaluation | undefined;
}

/** Runs the attacks. Yields their rows, and returns all of them. */
async function* runAttacks(
  { audit, audited, sharing }: OpenedAudit,
  options: EvaluateOptions,
  network: AuditedNetwork,
  lower: LowerBounds | null,
  customAttacks: CustomAttacks | undefined,
): AsyncGenerator<AuditEvent, AttackResults, void> {
  const { runtime, out, resume, saveExamples, signal, command, note, host } = audit;
  const { range, attackElsewhere } = sharing;
  const { model, dataset } = audited;
  const randomised = options.noise !== undefined;
  const spares = lower?.spares ?? sharing.spares ?? noneSpared;
  const rows: Row[] = [];
  let stored: StoredEvaluation | undefined;
  const events = evaluateModel(model, options, {
    network: network.network,
    target: { ...runtime.target },
    tested: { dataset, warning: null },
    out: out === undefined ? undefined : { storage: out, name: ROWS },
    resume,
    saveExamples,
    timed: audit.timed,
    signal,
    command,
    kind: "audit",
    note,
    host,
    noiseNamed: await auditedNoise(audit, ROWS, lower),
    range,
    customAttacks,
    attackElsewhere:
      attackElsewhere &&
      ((before) => attackElsewhere({ audited, evaluation: options, randomised, spares }, before)),
    spares,
    inspect: lower === null ? undefined : (scored) => lower.inspect(scored),
    needsImage: lower === null ? undefined : (row) => lower.needsImage(row),
    readText: (path) => audit.source.readText(path),
    locate: (at) => nonFiniteNode(runtime, model.architecture, model.parameters, at),
    finish(evaluation) {
      stored = evaluation;
    },
  });
  for await (const { row, done, total } of events) {
    rows.push(row);
    yield { event: "row", row, done, total };
  }
  return { rows, stored };
}

/** The findings of an audit before its diagnostics run. */
interface Findings {
  readonly rows: readonly Row[];
  /** Searches for smallest radii; null if none ran. */
  readonly searched: readonly RadiusRow[] | null;
  readonly lower: LowerBounds | null;
  /** The clock of an audit with --minutes; null without it. */
  readonly timed: TimedAttacks | null;
  /** Runs diagnostics, and holds the failures so far. */
  readonly runner: DiagnosticRunner;
}

/** Runs the diagnostics and puts the result of the audit together. */
async function resultOf(
  { options, audited }: OpenedAudit,
  evaluation: EvaluateOptions,
  network: AuditedNetwork,
  { rows, searched, lower, timed, runner }: Findings,
): Promise<AuditResult> {
  const { model, dataset } = audited;
  const radii = probedRadii(options);
  const probed = probedImages(timed, rows, radii.length);
  const probe = await runner.run(PROBE, () => network.probe(probed), nothingProbed(radii[0].norm));
  const decisions = await runner.run(DECISIONS, () => network.compareDecisions(), null);
  const preprocessings = await runner.run(
    PREPROCESSINGS,
    () => network.comparePreprocessings(),
    null,
  );
  const saturation = await runner.run(SATURATION, () => network.compareSaturation(), null);
  const facts: Facts = {
    rows,
    classes: model.architecture.classes,
    classNames: dataset.classes,
    saturation,
    notes: model.notes ?? [],
    probe,
    preprocessings,
    batch: network.dependence,
    decisions,
    failures: runner.failures,
    isUnsearched: searched !== null && !searched.some(isSearched),
    trainedOnWarning: audited.trainedOnWarning,
  };
  return auditResult(facts, {
    sha256: audited.sha256,
    externalData: audited.externalData,
    budget: options.minutes === undefined ? options.budget : `${options.minutes} minutes`,
    convergence: timed?.convergence ?? null,
    noise: evaluation.noise ?? null,
    preprocessing: audited.preprocessing,
    head: model.head ?? [],
    classNames: dataset.classes,
    attacks: evaluation.attacks,
    required: options.require ?? null,
    proofs: lower === null ? null : proofSummary(lower),
    smallest: searched === null ? null : smallestOf(rows, searched, searchedNorms(options)),
  });
}

async function* runAudit(opened: OpenedAudit): AsyncGenerator<AuditEvent, void, void> {
  const { options, audit, audited, sharing, lease, radii } = opened;
  const { out, signal, saveInputs = 0, note = () => undefined } = audit;
  const { model } = audited;
  for (const one of model.notes ?? []) note(one);
  const evaluation = evaluationOptions(options, model.architecture.classes, noiseOf(opened));
  const timed = await openTimedAttacks({
    options,
    audit,
    lease,
    rowsName: ROWS,
    request: {
      images: audited.dataset.test.size,
      noise: evaluation.noise ?? null,
      shared: sharing.attackElsewhere !== undefined || sharing.range !== undefined,
    },
  });
  if (out !== undefined && saveInputs > 0) {
    const { writeInputs } = await import("./write-results.ts");
    await writeInputs(out, audited, { runtime: audit.runtime, count: saveInputs, note });
  }
  const network = await AuditedNetwork.open(audited, audit, options);
  let lower: LowerBounds | null = null;
  try {
    if (network.dependence !== null) note(dependenceNote(network.dependence));
    const { attacks, noise = null } = evaluation;
    const { range } = sharing;
    if (options.prove)
      lower = await openLowerBounds({ options, audit, audited, network, attacks, noise, range });
    if (lower?.kind === "certificate" && sharing.attackElsewhere !== undefined)
      throw new UsageError(
        "--prove under noise tests every adversarial image, so its attacks run in one process; leave out --workers and --queue, or --prove",
        { code: "bad-option" },
      );
    if (lower !== null) yield* lower.before();
    if (signal?.aborted) return;
    if (sharing.proofsOnly === true) {
      if (lower !== null) yield* lower.after([]);
      return;
    }
    timed?.start();
    const attacked = runAttacks(opened, evaluation, network, lower, timed?.attacks);
    const { rows, stored } = yield* attacked;
    if (signal?.aborted || sharing.range !== undefined) return;
    const runner = new DiagnosticRunner(signal);
    const { victim } = network;
    const searching = { options, audit, audited, victim, noise, rows, radii, lower, timed, runner };
    const { searched, attack, found } = yield* searchAfterAttacks(searching);
    if (signal?.aborted) return;
    if (lower !== null) yield* lower.after(rows.concat(found));
    if (signal?.aborted) return;
    const findings = { rows: rows.concat(attack), searched, lower, timed, runner };
    const result = await resultOf(opened, evaluation, network, findings);
    const exceeded = exceededNote(timed, options.minutes);
    if (exceeded !== undefined) note(exceeded);
    if (out === undefined || stored === undefined) {
      yield { event: "result", result, files: [] };
      return;
    }
    // A dynamic import, so that a page without a report does not load chart libraries.
    const { writeResults } = await import("./write-results.ts");
    const { proofs = [], certificates = [] } = lower ?? {};
    const { format: formats = [], command = null } = audit;
    const finished = {
      result,
      rows: findings.rows,
      searched: searched ?? [],
      stored: Object.assign({}, stored, { rows: stored.rows.concat(attack) }),
      rowsName: ROWS,
      formats,
      command,
      proofs,
      certificates,
    };
    const files = await writeResults(out, finished, lease);
    yield { event: "result", result, files };
  } finally {
    await lower?.close();
    await network.release();
  }
}
