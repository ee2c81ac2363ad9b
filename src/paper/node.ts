import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { openDatasetNode } from "../data/node.ts";
import { defenseNamed } from "../defenses/table.ts";
import { evaluateNode } from "../evaluate/node.ts";
import { readRows } from "../evaluate/resumed.ts";
import type { Row } from "../evaluate/row.ts";
import { leaseWork } from "../files/lease/node.ts";
import { orMissing } from "../files/node.ts";
import { readTextIfThere, whileReading } from "../files/read/node.ts";
import { rowLine } from "../files/row-lines.ts";
import { appendRows, readRowsText, truncateRows } from "../files/rows/node.ts";
import { UsageError } from "../math/usage-error.ts";
import { classifier } from "../models/classifier.ts";
import { openModelNode } from "../models/opening/node.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import { noiseNamedNode } from "../noise/node.ts";
import { trainNode } from "../train/node.ts";
import type { ResolvedOptions } from "../train/options.ts";
import { configOptions } from "../train/run-config.ts";
import { type ArtefactRow, artefactOptions, artefactRows } from "./artefact.ts";
import {
  defensesOf,
  type EvaluationCell,
  evaluationKinds,
  partOf,
  type Table,
  trainingOf,
} from "./cells.ts";
import { flopsOfPasses, secondsOf, sumOf } from "./cost.ts";
import type { ReproduceEvent } from "./events.ts";
import { leftOf, type Plan, planOf, type Size } from "./plan.ts";
import { measureRates } from "./rates.ts";
import type { DefenseResult } from "./table4.ts";

/** What compiles graphs. */
export type Runtime = Parameters<typeof classifier>[0];

/** Where a reproduction is kept, how large it is, and what runs it. */
export interface Reproduction extends Size {
  readonly out: string;
  readonly runtime: Runtime;
  readonly dataDir?: string | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal;
  readonly command?: string;
}

/** Where the model of a defence is kept. */
export const modelDir = (out: string, defense: string) => join(out, "models", defense);

const rowsFile = (out: string, defense: string, kind: EvaluationCell["kind"]) =>
  join(out, "rows", `${defense}.${kind}.jsonl`);

/** The data set of a scale. */
export const datasetOf = ({ scale, dataDir }: Reproduction): Promise<Dataset> =>
  openDatasetNode(scale.training.data ?? "", dataDir === undefined ? {} : { dataDir });

/** Whether the defence is trained: its run has left a model.onnx. A run with other options is the user's to move. */
async function isTrained(out: string, defense: string, wanted: ResolvedOptions): Promise<boolean> {
  const dir = modelDir(out, defense);
  const config = await readTextIfThere(join(dir, "config.json"));
  if (config === null) return false;
  const options = configOptions(join(dir, "config.json"), config) as Partial<ResolvedOptions>;
  const differ = (Object.keys(wanted) as (keyof ResolvedOptions)[]).filter(
    (name) => (options[name] ?? null) !== wanted[name],
  );
  if (differ.length > 0)
    throw new UsageError(
      `${dir} was trained with other options: ${differ.map((name) => `${name} ${options[name] ?? "not set"}, here ${wanted[name]}`).join(", ")}`,
      { code: "misfit", next: "choose another --out, or move that folder away" },
    );
  return (await whileReading(dir, orMissing(stat(join(dir, "model.onnx")), null))) !== null;
}

/** The trained model under the name of its defence, which is what rows call it. */
export const trainedModel = async (out: string, defense: string): Promise<OpenModel> => ({
  ...(await openModelNode(join(modelDir(out, defense), "model.onnx"))),
  name: defense,
});

/** The rows so far in one file. */
async function storedRows<R = Row>(path: string): Promise<R[]> {
  const text = await readRowsText(path);
  return text === null ? [] : readRows<R>(path, text).rows;
}

/** Seconds of training by the run's own count. */
async function trainingSeconds(out: string, defense: string): Promise<number | null> {
  const text = await readTextIfThere(join(modelDir(out, defense), "metrics.jsonl"));
  if (text === null) return null;
  const file = join(modelDir(out, defense), "metrics.jsonl");
  const lines = readRows<{ readonly seconds: number }>(file, text).rows;
  return lines.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** What stands in the files of a reproduction. */
async function doneOf({ defenses, cells, options }: Plan, out: string) {
  const trained = new Set<string>();
  for (const defense of defenses)
    if (await isTrained(out, defense, options(defense))) trained.add(defense);
  const rows = new Map<EvaluationCell, number>();
  for (const cell of cells) {
    const stored = await storedRows(rowsFile(out, cell.defense, cell.kind));
    rows.set(cell, stored.filter(({ index }) => index < cell.options.examples).length);
  }
  return { trained, rows };
}

/** What is left to do of a table; the cost comes from counted operations and a measurement of some seconds. */
async function remaining(table: Table, reproduction: Reproduction) {
  const dataset = await datasetOf(reproduction);
  const plan = planOf(table, reproduction, dataset);
  const done = await doneOf(plan, reproduction.out);
  const { untrained, evaluations } = leftOf(plan, done, dataset.test.size);
  const left = untrained.length + evaluations.length;
  if (left === 0) return { plan, untrained, cost: null };
  const rates = await measureRates(reproduction.runtime, plan.network, plan.flops);
  const training = secondsOf(sumOf(untrained.map(plan.training)), plan.flops, rates);
  const evaluation = secondsOf(sumOf(evaluations.map(({ passes }) => passes)), plan.flops, rates);
  const cells = plan.defenses.length + plan.cells.length;
  const cost = { training, evaluation, seconds: training + evaluation, left, cells };
  return { plan, untrained, cost: { event: "cost", ...cost } as const };
}

/** What is left of a table and how long it will take; null if nothing is. */
export const costOf = async (table: Table, reproduction: Reproduction) =>
  (await remaining(table, reproduction)).cost;

/**
 * Trains and evaluates what a table needs, in cells that are finished once: a killed reproduction goes on where it
 * was, and ends with the same rows. Says what is left to do, and how long it will take, before it begins. False if
 * it was stopped.
 */
export async function* runCells(
  table: Table,
  reproduction: Reproduction,
): AsyncGenerator<ReproduceEvent, boolean, void> {
  const { plan, untrained, cost } = await remaining(table, reproduction);
  if (cost !== null) yield cost;
  for (const defense of plan.defenses) {
    const finished = !untrained.includes(defense);
    yield { event: "cell", cell: `train ${defense}`, finished };
    if (!finished && !(yield* trainCell(defense, reproduction))) return false;
    // A model is measured as soon as it is there: a table that is never finished still has whole columns.
    for (const cell of plan.cells.filter((one) => one.defense === defense))
      if (!(yield* evaluateCell(cell, reproduction))) return false;
  }
  return true;
}

const shared = ({ dataDir, signal, command }: Reproduction) => ({
  ...{ dataDir, resume: true },
  ...(signal !== undefined && { signal }),
  ...(command !== undefined && { command }),
});

async function* trainCell(
  defense: string,
  reproduction: Reproduction,
): AsyncGenerator<ReproduceEvent, boolean, void> {
  const { out, scale, seed, threads } = reproduction;
  const cell = `train ${defense}`;
  const where = {
    ...{ ...shared(reproduction), out: modelDir(out, defense) },
    ...{ device: reproduction.runtime.target.device },
    ...(threads !== undefined && { threads }),
  };
  for await (const event of trainNode(trainingOf(defense, scale, seed), where)) {
    if (event.event === "step")
      yield { event: "progress", cell, done: event.step, total: event.steps };
    if (event.event === "warning") yield { event: "note", text: event.message };
    if (event.event === "interrupted") return false;
  }
  return true;
}

async function* evaluateCell(
  { defense, kind, options }: EvaluationCell,
  reproduction: Reproduction,
): AsyncGenerator<ReproduceEvent, boolean, void> {
  const { out, runtime } = reproduction;
  const cell = `${kind} ${defense}`;
  const model = await trainedModel(out, defense);
  const network = classifier(runtime, model.architecture, model.parameters);
  yield { event: "cell", cell, finished: false };
  let left = 1;
  try {
    for await (const { row, done, total } of evaluateNode(model, options, {
      ...{ ...shared(reproduction), network, target: { ...runtime.target }, saveExamples: 0 },
      out: rowsFile(out, defense, kind),
    })) {
      left = total - done;
      yield { event: "row", cell, row };
      yield { event: "progress", cell, done, total };
    }
  } finally {
    await network.release();
  }
  return left === 0;
}

/** All that is known of each defence of a table, from the files in `out`. */
export async function resultsOf(
  table: Table,
  reproduction: Reproduction,
): Promise<Record<string, DefenseResult>> {
  const { out } = reproduction;
  const whole = { ...reproduction, defenses: undefined, kinds: undefined };
  const plan = planOf(table, whole, await datasetOf(reproduction));
  const results: Record<string, DefenseResult> = {};
  for (const defense of defensesOf(table)) {
    const rows: Record<string, Row[]> = {};
    for (const kind of evaluationKinds) {
      const stored = await storedRows(rowsFile(out, defense, kind));
      if (stored.length > 0) rows[kind] = stored;
    }
    if (Object.keys(rows).length === 0) continue;
    results[defense] = {
      noise: defenseNamed(defense).noise?.name ?? null,
      rows,
      seconds: await trainingSeconds(out, defense),
      flops: flopsOfPasses(plan.training(defense), plan.flops),
    };
  }
  return results;
}

/** Images that meet C&W together in the demonstration; rows are written after each such group. */
const GROUP = 8;

/** The rows so far of a demonstration with these settings; a line that was cut off is taken away. */
async function begunArtefact(
  path: string,
  { steps, ...settings }: ReturnType<typeof artefactOptions> & { readonly seed: number },
): Promise<ArtefactRow[]> {
  const text = await readRowsText(path);
  if (text === null) return [];
  const { rows: stored, whole } = readRows<ArtefactRow>(path, text);
  if (whole.length < text.length) await truncateRows(path, Buffer.byteLength(whole));
  const { searches, eot, draws, seed } = settings;
  const other = stored.find(
    (row) =>
      !steps.includes(row.steps) ||
      JSON.stringify([row.searches, row.eot, row.draws, row.seed]) !==
        JSON.stringify([searches, eot, draws, seed]),
  );
  if (other !== undefined)
    throw new UsageError(`${path} was begun with other settings; choose another --out`, {
      code: "in-use",
    });
  return stored;
}

/**
 * The demonstration that C&W's success on a noisy classifier is a coin toss: rows in `rows/<defence>.artefact.jsonl`,
 * those of images that stand there already first. It stops between two groups of images.
 */
export async function* runArtefact(
  defense: string,
  reproduction: Reproduction,
): AsyncGenerator<ReproduceEvent, ArtefactRow[], void> {
  const { out, runtime, signal, scale, seed, share } = reproduction;
  const cell = `artefact ${defense}`;
  const path = rowsFile(out, defense, "artefact");
  const model = await trainedModel(out, defense);
  const { noise } = defenseNamed(defense, {}, noiseNamedNode);
  if (noise === null)
    throw new UsageError(`${defense} injects no noise, so there is nothing to show`, {
      code: "misfit",
    });
  const { test } = await datasetOf(reproduction);
  const count = Math.min(test.size, partOf(scale.counts.artefact, share));
  const options = artefactOptions(scale);
  const network = classifier(runtime, model.architecture, model.parameters);
  const lease = await leaseWork({
    prefix: `${path}.lease`,
    owned: path,
    remedy: "choose another --out",
    signal,
  });
  try {
    const rows = await begunArtefact(path, { ...options, seed });
    const finished = new Set(rows.map(({ index }) => index));
    yield { event: "cell", cell, finished: finished.size >= count };
    const missing = Array.from({ length: count }, (_, i) => i).filter((i) => !finished.has(i));
    for (let from = 0; from < missing.length && !signal?.aborted; from += GROUP) {
      const indices = missing.slice(from, from + GROUP);
      const more = await artefactRows({ network, noise }, test, indices, seed, options);
      const text = more.map(rowLine).join("");
      await lease.check();
      await appendRows(path, text);
      rows.push(...more);
      yield { event: "progress", cell, done: finished.size + from + indices.length, total: count };
    }
    return rows;
  } finally {
    await lease.release();
    await network.release();
  }
}
