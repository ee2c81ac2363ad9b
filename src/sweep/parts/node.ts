// Runs the attacks of an audit in worker processes of this machine, or on other machines through a queue.
import { rm } from "node:fs/promises";
import type { AttackByOthers } from "../../audit/sharing.ts";
import type { ComputedRows } from "../../evaluate/evaluation.ts";
import { readRows } from "../../evaluate/resumed.ts";
import type { Row } from "../../evaluate/row.ts";
import { nodeHost } from "../../files/host/node.ts";
import { loadedPlugins } from "../../math/plugin.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Cell } from "../cell.ts";
import { IMAGES, ROWS } from "../cells/evaluate.ts";
import { ask } from "../control.ts";
import { codeVersion } from "../key.ts";
import { attemptContext, NodeWorkers, openNodeStore } from "../node.ts";
import { nodeClock } from "../node-clock.ts";
import type { SweepEvent } from "../outcome.ts";
import { addPlan, type StoredPlan } from "../plans.ts";
import { CellQueue } from "../queue/node.ts";
import { committedKeys, manifestOf, readResult, timesOf } from "../results.ts";
import { sweepStatus } from "../status.ts";
import type { Store } from "../store/store.ts";
import { type PartedAudit, partsOf } from "./plan.ts";

/** The workers and the store for the attacks of an audit. */
export interface AttackWorkers extends Omit<PartedAudit, "host"> {
  /** The folder of the store, inside the folder of the audit. */
  readonly folder: string;
  /** Worker processes on this machine. */
  readonly workers: number;
  /** The Redis that distributes cells to `rampart worker`; no worker then runs in this process. */
  readonly queue: string | undefined;
  readonly patience: number;
  readonly dataDir: string | undefined;
  readonly signal: AbortSignal;
  note(text: string): void;
  onEvent?(event: SweepEvent): void;
  /** The numbers of finished and of expected rows, over all cells in progress or done. */
  onProgress?(done: number, total: number): void;
}

/** The attacks while they run: the finished cells, and the end of the work. */
interface Running {
  readonly pool: NodeWorkers;
  /** Resolves once every cell is done, or the signal stops the work. Rejects if a cell fails. */
  readonly ended: Promise<void>;
}

/** A function that an audit calls instead of running the attacks itself. */
export function attackByWorkers(given: AttackWorkers): AttackByOthers {
  return async function* (attacked, stored) {
    const cells = await partsOf(attacked, stored, { ...given, host: nodeHost });
    if (cells.length === 0) return;
    const { folder, target } = given;
    if (cells.length < given.workers)
      given.note(
        `${cells.length} of ${given.workers} workers have work: images are divided into groups of ${sizeOf(cells[0])}; a smaller --batch makes smaller groups`,
      );
    const plan: StoredPlan = {
      name: "audit",
      code: codeVersion(),
      target,
      retries: 2,
      backOff: 10,
      plugins: [...loadedPlugins()],
      folder: process.cwd(),
      cells,
    };
    const store = await openNodeStore(folder, { create: true });
    await addPlan(store, plan, nodeHost);
    await ask(store, "run");
    const stop = new AbortController();
    const signal = AbortSignal.any([given.signal, stop.signal]);
    const running = await start(store, plan, { ...given, signal });
    try {
      for (const cell of cells) {
        if (!(await isCommitted(cell, running))) return;
        yield await rowsOf(store, cell);
      }
    } finally {
      stop.abort();
      await running.ended.catch(() => undefined);
    }
    if (given.queue === undefined) await rm(folder, { recursive: true, force: true });
  };
}

const sizeOf = ({ work }: Cell): number => (work.range?.to ?? 0) - (work.range?.from ?? 0);

/** Waits for a cell; false if the work ended before the cell was done. */
async function isCommitted({ key }: Cell, { pool, ended }: Running): Promise<boolean> {
  let isEnded = false;
  const end = ended.then(() => {
    isEnded = true;
  });
  while (!pool.board.done.has(key)) {
    if (isEnded) return false;
    await Promise.race([pool.board.change(), end]);
  }
  return true;
}

/** The rows of a cell with their seconds, and its images. */
async function rowsOf(store: Store, { key }: Cell): Promise<ComputedRows> {
  const text = new TextDecoder().decode(await readResult(store, key, ROWS, nodeHost));
  const { rows } = readRows<Row>(ROWS, text);
  const seconds = (await timesOf(store, key))?.removed[ROWS] as readonly number[] | undefined;
  const hasImages = Object.hasOwn((await manifestOf(store, key))?.files ?? {}, IMAGES);
  return {
    rows: rows.map((row, i) => ({ ...row, seconds: seconds?.[i] ?? 0 })),
    images: hasImages ? await readResult(store, key, IMAGES, nodeHost) : null,
  };
}

/** Throws the failure of a cell as a failure of the audit. */
function refuse(cells: readonly { label: string; message: string; code: string | null }[]): void {
  const [first] = cells;
  if (first === undefined) return;
  const text = `the attacks on ${first.label} failed: ${first.message}`;
  if (first.code === null) throw new Error(text);
  throw new UsageError(text, { code: first.code as UsageError["code"] });
}

async function start(store: Store, plan: StoredPlan, given: AttackWorkers): Promise<Running> {
  const { patience, dataDir, signal, note, onEvent, workers, queue } = given;
  const progress = new Map<string, readonly [number, number]>();
  const pool = await NodeWorkers.open(plan, {
    store,
    patience,
    dataDir,
    signal,
    note,
    onEvent,
    onProgress({ key }, done, total) {
      progress.set(key, [done, total]);
      const sum = (i: 0 | 1) => [...progress.values()].reduce((all, one) => all + one[i], 0);
      given.onProgress?.(sum(0), (sum(1) / progress.size) * plan.cells.length);
    },
  });
  pool.board.setDone(await committedKeys(store));
  await pool.retryFailed(() => true);
  const ended =
    queue === undefined
      ? pool.run(Math.min(workers, plan.cells.length), () => true).then(() => failed(pool))
      : queued(queue, store, plan, pool, given);
  // The code that waits for the cells throws the error.
  ended.catch(() => undefined);
  return { pool, ended };
}

const failed = ({ board }: NodeWorkers): void =>
  refuse(
    [...board.failed].map(([key, failure]) => ({
      ...failure,
      label: board.cells.get(key)?.label ?? key,
    })),
  );

/** Seconds between two checks of the store, and between two checks for cells that the queue lost. */
const [LOOK, RESCAN] = [1, 60];

/** Queues the cells, and waits until workers have committed them. */
async function queued(
  url: string,
  store: Store,
  plan: StoredPlan,
  { board }: NodeWorkers,
  { note, signal, patience }: AttackWorkers,
): Promise<void> {
  const queue = await CellQueue.open(url, store, note);
  try {
    note(`${plan.cells.length} cells queued. Start workers with:`);
    note(`  rampart worker --store ${store.path} --queue ${url}`);
    const context = await attemptContext(patience);
    let queuedAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      board.setDone(await committedKeys(store));
      const open = plan.cells.filter(({ key }) => !board.done.has(key));
      if (open.length === 0) return;
      if (nodeClock.now() - queuedAt >= RESCAN) {
        if (await queue.isEmpty()) await queue.add(open);
        queuedAt = nodeClock.now();
      }
      refuse((await sweepStatus(store, context, [plan])).failed);
      await nodeClock.sleep(LOOK);
    }
  } finally {
    await queue.close();
  }
}
