// The files of a reproduction: run directories models/DEFENCE, and rows in rows/DEFENCE.KIND.jsonl.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "../../data/dataset.ts";
import { openDatasetInNode } from "../../data/node.ts";
import { defenseNamed } from "../../defenses/table.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import { readRows } from "../../evaluate/resumed.ts";
import type { Row } from "../../evaluate/row.ts";
import { orMissing } from "../../files/node.ts";
import { readTextIfThere, whileReading } from "../../files/read/node.ts";
import { readRowsText } from "../../files/rows/node.ts";
import { UsageError } from "../../math/usage-error.ts";
import { openModelInNode } from "../../models/opening/node.ts";
import type { OpenModel } from "../../models/opening/open-model.ts";
import { type ResolvedOptions, resolveOptions, type TrainOptions } from "../../train/options.ts";
import { configOptions } from "../../train/run-config.ts";
import {
  defensesOf,
  type EvaluationCell,
  evaluationKinds,
  type Kind,
  type Table,
} from "../cells.ts";
import { flopsOfPasses } from "../cost.ts";
import type { DefenseResult } from "../defense-result.ts";
import { type Done, type Plan, planOf, type Size } from "../plan.ts";

/** A reproduction: its size, its folder, and the runtime that computes it. */
export interface Reproduction extends Size {
  /** Folder of models, rows and tables. */
  readonly out: string;
  readonly runtime: Runtime;
  readonly dataDir?: string | undefined;
  readonly threads?: number | undefined;
  /** Processes that compute the table's cells; by default this one does. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal;
  /** The command line that started the reproduction, stored beside rows and weights. */
  readonly command?: string;
}

/** Run directory of a defence's model. */
export const modelDir = (out: string, defense: string): string => join(out, "models", defense);

/** File of the rows of one measurement of a defence. */
export const rowsFile = (out: string, defense: string, kind: Kind): string =>
  join(out, "rows", `${defense}.${kind}.jsonl`);

/** Opens the data set of the reproduction's scale. */
export const datasetOf = ({ scale, dataDir }: Reproduction): Promise<Dataset> =>
  openDatasetInNode(scale.training.data ?? "", { dataDir });

/**
 * Whether the defence is trained, so that its run directory holds a model.onnx. Throws `UsageError` if the run was
 * trained with other options than `wanted`.
 */
async function isTrained(out: string, defense: string, wanted: ResolvedOptions): Promise<boolean> {
  const dir = modelDir(out, defense);
  const file = join(dir, "config.json");
  const config = await readTextIfThere(file);
  if (config === null) return false;
  const stored = configOptions(file, config) as Partial<ResolvedOptions>;
  // A run of an earlier version lacks newer options, and had what is their default now.
  const { model, data, recipe } = wanted;
  const options: Partial<ResolvedOptions> = Object.assign(
    resolveOptions({ defense: defense as TrainOptions["defense"], model, data, recipe }),
    stored,
  );
  const differ = (Object.keys(wanted) as (keyof ResolvedOptions)[]).filter(
    (name) => (options[name] ?? null) !== wanted[name],
  );
  if (differ.length > 0) {
    const differences = differ.map(
      (name) => `${name} ${options[name] ?? "not set"}, here ${wanted[name]}`,
    );
    throw new UsageError(`${dir} was trained with other options: ${differences.join(", ")}`, {
      code: "misfit",
      next: "choose another --out, or move that folder away",
    });
  }
  return (await whileReading(dir, orMissing(stat(join(dir, "model.onnx")), null))) !== null;
}

/** Opens the trained model of a defence; the model's name is that of the defence, as in rows. */
export const trainedModel = async (out: string, defense: string): Promise<OpenModel> => ({
  ...(await openModelInNode(join(modelDir(out, defense), "model.onnx"))),
  name: defense,
});

/** The rows of one file; none if it does not exist. */
export async function storedRows(path: string): Promise<Row[]> {
  const text = await readRowsText(path);
  return text === null ? [] : readRows<Row>(path, text).rows;
}

/** Seconds of training, summed over the epochs in metrics.jsonl; null if there are no metrics. */
export async function trainingSeconds(out: string, defense: string): Promise<number | null> {
  const file = join(modelDir(out, defense), "metrics.jsonl");
  const text = await readTextIfThere(file);
  if (text === null) return null;
  const epochs = readRows<{ readonly seconds: number }>(file, text).rows;
  return epochs.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** The finished part of a plan, from the files in `out`. */
export async function doneOf({ defenses, cells, options }: Plan, out: string): Promise<Done> {
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

/** Stored results of a table by defence; a defence without rows is left out. */
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
