// Computes a table's trainings and evaluations as the cells of a sweep, and lays them out as the files of a reproduction.
import { join } from "node:path";
import { readRows } from "../../evaluate/resumed.ts";
import { nodeHost } from "../../files/host/node.ts";
import { writeWhole } from "../../files/node.ts";
import { readTextIfThere } from "../../files/read/node.ts";
import { rowLine } from "../../files/row-lines.ts";
import { openedJson, sealedJson } from "../../files/sealed.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Cell } from "../../sweep/cell.ts";
import { ROWS, SETTINGS } from "../../sweep/cells/evaluate.ts";
import { MODEL_FILE } from "../../sweep/cells/model.ts";
import { ask } from "../../sweep/control.ts";
import { NodeWorkers, openNodeStore, storedPlanOf } from "../../sweep/node.ts";
import { parsePlan } from "../../sweep/plan/grid.ts";
import { addPlan } from "../../sweep/plans.ts";
import { committedKeys, readResult, timesOf } from "../../sweep/results.ts";
import type { Store } from "../../sweep/store/store.ts";
import type { EvaluationCell, Table } from "../cells.ts";
import type { ReproduceEvent } from "../events.ts";
import { planOf } from "../plan.ts";
import { reported } from "../product.ts";
import { datasetOf, modelDir, type Reproduction, rowsFile } from "../stored/node.ts";
import { sweepPlan } from "../sweep-plan.ts";
import { isRangeOf } from "./ranges.ts";

/** The store of a reproduction, in its folder. */
export const storeOf = (out: string): string => join(out, "store");

/** Seconds without a heartbeat after which another worker counts as dead. */
const PATIENCE = 60;

/** Computes the cells of a table with `workers` processes, and lays out those that are committed. Throws `UsageError`. */
export async function* runBySweep(
  table: Table,
  reproduction: Reproduction,
  workers: number,
): AsyncGenerator<ReproduceEvent, void, void> {
  const { out, dataDir, runtime, signal = new AbortController().signal } = reproduction;
  const plan = planOf(table, reproduction, await datasetOf(reproduction));
  const file = JSON.stringify(sweepPlan(table, reproduction, runtime.target));
  const stored = await storedPlanOf(parsePlan(table, file), table, { dataDir });
  const store = await openNodeStore(storeOf(out), { create: true });
  await addPlan(store, stored, nodeHost);
  await ask(store, "run");
  const failed = yield* reported(async (report) => {
    const pool = await NodeWorkers.open(stored, {
      store,
      patience: PATIENCE,
      dataDir,
      signal,
      note: (text) => report({ event: "note", code: "warning", text }),
      onEvent(event) {
        if (event.event === "away" || event.event === "back")
          report({ event: "note", code: "warning", text: event.message });
        else if (event.event === "started")
          report({ event: "cell", cell: event.cell.label, finished: false });
      },
      onProgress: ({ label: cell }, done, total) =>
        report({ event: "progress", cell, done, total }),
    });
    await pool.retryFailed(() => true);
    await pool.run(workers, () => true);
    return [...pool.board.failed].map(([key, { message, code }]) => {
      return { label: pool.board.cells.get(key)?.label ?? key, message, code };
    });
  });
  const committed = await committedKeys(store);
  const done = stored.cells.filter(({ key }) => committed.has(key));
  await layOut(store, done, plan.cells, out);
  const [first] = failed;
  if (first === undefined) return;
  const text = `${first.label} failed: ${first.message}`;
  if (first.code === null) throw new Error(text);
  throw new UsageError(text, { code: first.code as UsageError["code"] });
}

const decoder = new TextDecoder();

/** Writes committed cells as run directories and files of rows, unless these are there. */
async function layOut(
  store: Store,
  done: readonly Cell[],
  evaluations: readonly EvaluationCell[],
  out: string,
): Promise<void> {
  const trainings = done.filter(({ work }) => work.kind === "train");
  for (const training of trainings) {
    const defense = String(training.work.options.defense);
    await layOutModel(store, training, modelDir(out, defense));
    for (const evaluation of evaluations.filter((one) => one.defense === defense)) {
      const ranges = done.filter((cell) => isRangeOf(cell, training, evaluation));
      await layOutRows(store, ranges, evaluation, out);
    }
  }
}

async function layOutModel(store: Store, { key }: Cell, folder: string): Promise<void> {
  if ((await readTextIfThere(join(folder, "metrics.jsonl"))) !== null) return;
  const file = (name: string) => readResult(store, key, name, nodeHost);
  const metrics = await timedLines(store, key, "metrics.jsonl");
  await writeWhole(join(folder, "config.json"), await file("config.json"));
  await writeWhole(join(folder, MODEL_FILE), await file(MODEL_FILE));
  await writeWhole(join(folder, "metrics.jsonl"), metrics.map(rowLine).join(""));
}

/** The rows of a result with the seconds that they took. */
async function timedLines(store: Store, key: string, name: string): Promise<object[]> {
  const { rows } = readRows<object>(
    name,
    decoder.decode(await readResult(store, key, name, nodeHost)),
  );
  const seconds = (await timesOf(store, key))?.removed[name] as readonly number[] | undefined;
  return rows.map((row, i) =>
    "seconds" in row ? Object.assign({}, row, { seconds: seconds?.[i] ?? 0 }) : row,
  );
}

/** Writes the rows of an evaluation, from its first image up to the first one that is missing. */
async function layOutRows(
  store: Store,
  ranges: readonly Cell[],
  { defense, kind }: EvaluationCell,
  out: string,
): Promise<void> {
  const path = rowsFile(out, defense, kind);
  const rows: object[] = [];
  let settings: string | undefined;
  let next = 0;
  const inOrder = [...ranges].sort((a, b) => (a.work.range?.from ?? 0) - (b.work.range?.from ?? 0));
  for (const { key, work } of inOrder) {
    if (work.range?.from !== next) break;
    next = work.range.to;
    for (const row of await timedLines(store, key, ROWS))
      rows.push(Object.assign({}, row, { model: defense }));
    settings = decoder.decode(await readResult(store, key, SETTINGS, nodeHost));
  }
  const before = (await readTextIfThere(path))?.split("\n").length ?? 0;
  if (settings === undefined || before > rows.length) return;
  const { model, ...others } = openedJson(SETTINGS, settings, "remove the cell");
  const named = Object.assign({}, model, { name: defense, path: modelDir(out, defense) });
  await writeWhole(
    path.replace(/\.jsonl$/, ".settings.json"),
    sealedJson(Object.assign({}, others, { model: named })),
  );
  await writeWhole(path, rows.map(rowLine).join(""));
}
