// Trains and evaluates the cells of a table. The weights and rows of a finished cell are kept and used again.
import { evaluateInNode } from "../evaluate/node.ts";
import { classifier } from "../models/classifier.ts";
import { trainInNode } from "../train/node.ts";
import { type EvaluationCell, type Table, trainingOf } from "./cells.ts";
import { secondsOf, sumOf } from "./cost.ts";
import type { CostEvent, ReproduceEvent } from "./events.ts";
import { leftOf, type Plan, planOf } from "./plan.ts";
import { measureRates } from "./rates.ts";
import {
  datasetOf,
  doneOf,
  modelDir,
  type Reproduction,
  rowsFile,
  trainedModel,
} from "./stored/node.ts";

/** The unfinished part of a table. */
interface Remaining {
  readonly plan: Plan;
  /** Defences without a trained model. */
  readonly untrained: readonly string[];
  /** The estimated cost; null if nothing is left. */
  readonly cost: CostEvent | null;
}

/** Estimates the cost of the unfinished part from counted operations and a benchmark of a few seconds. */
async function remaining(table: Table, reproduction: Reproduction): Promise<Remaining> {
  const dataset = await datasetOf(reproduction);
  const plan = planOf(table, reproduction, dataset);
  const done = await doneOf(plan, reproduction.out);
  const { untrained, evaluations } = leftOf(plan, done, dataset.test.size);
  const left = untrained.length + evaluations.length;
  if (left === 0) return { plan, untrained, cost: null };
  const rates = await measureRates(reproduction.runtime, plan.network, plan.flops);
  const training = secondsOf(sumOf(untrained.map(plan.training)), plan.flops, rates);
  const evaluation = secondsOf(sumOf(evaluations.map(({ passes }) => passes)), plan.flops, rates);
  const cost: CostEvent = {
    event: "cost",
    training,
    evaluation,
    seconds: training + evaluation,
    left,
    cells: plan.defenses.length + plan.cells.length,
  };
  return { plan, untrained, cost };
}

/** The estimated cost of a table's unfinished part on this machine; null if nothing is left. */
export const costOf = async (table: Table, reproduction: Reproduction): Promise<CostEvent | null> =>
  (await remaining(table, reproduction)).cost;

/**
 * Trains and evaluates the defences of a table, after an event with the cost. A reproduction that was killed continues
 * where it stopped, and ends with the same rows. Returns false if the signal stopped it.
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
    // Each model is evaluated as soon as it is trained, so an unfinished table has whole columns.
    for (const cell of plan.cells.filter((one) => one.defense === defense))
      if (!(yield* evaluateCell(cell, reproduction))) return false;
  }
  return true;
}

/** Trains one defence; false if it was interrupted. */
async function* trainCell(
  defense: string,
  { out, scale, seed, threads, dataDir, signal, command, runtime }: Reproduction,
): AsyncGenerator<ReproduceEvent, boolean, void> {
  const cell = `train ${defense}`;
  const training = trainInNode(trainingOf(defense, scale, seed), {
    out: modelDir(out, defense),
    resume: true,
    dataDir,
    device: runtime.target.device,
    threads,
    signal,
    command,
  });
  for await (const event of training) {
    if (event.event === "step")
      yield { event: "progress", cell, done: event.step, total: event.steps };
    if (event.event === "warning") yield { event: "note", code: event.code, text: event.message };
    if (event.event === "interrupted") return false;
  }
  return true;
}

/** Evaluates one cell; false if it was interrupted. */
async function* evaluateCell(
  { defense, kind, options }: EvaluationCell,
  { out, runtime, dataDir, signal, command }: Reproduction,
): AsyncGenerator<ReproduceEvent, boolean, void> {
  const cell = `${kind} ${defense}`;
  const model = await trainedModel(out, defense);
  const network = classifier(runtime, model.architecture, model.parameters);
  yield { event: "cell", cell, finished: false };
  let left = 1;
  try {
    const rows = evaluateInNode(model, options, {
      network,
      target: { ...runtime.target },
      out: rowsFile(out, defense, kind),
      resume: true,
      saveExamples: 0,
      dataDir,
      signal,
      command,
    });
    for await (const { row, done, total } of rows) {
      left = total - done;
      yield { event: "row", cell, row };
      yield { event: "progress", cell, done, total };
    }
  } finally {
    await network.release();
  }
  return left === 0;
}
