// Works on the jobs of a queue. Each job names a cell; the store decides whether the cell still needs work.

import { UsageError } from "../../math/usage-error.ts";
import type { Board } from "../board.ts";
import type { Cell } from "../cell.ts";
import { nodeClock } from "../node-clock.ts";
import type { Tried } from "../outcome.ts";
import { manifestOf } from "../results.ts";
import type { Store } from "../store/store.ts";
import type { BullJob, BullWorker, RedisClient } from "./bull-types.ts";
import { type CellQueue, retryPause } from "./node.ts";
import { queuePackages } from "./node-redis.ts";

/** The workers behind a queue, and their knowledge of the store. */
export interface QueueTasks {
  readonly store: Store;
  readonly board: Board;
  /** Workers that run at the same time. */
  readonly workers: readonly { try(cell: Cell): Promise<Tried> }[];
  /** Looks for new plans and for cells that other processes have committed. */
  refresh(): Promise<void>;
  /** Waits while workers should pause; returns `stop` once they should drain. */
  pause(): Promise<"go" | "stop">;
  readonly signal: AbortSignal;
  note(text: string): void;
}

/** The settings for working on a queue. */
export interface QueueOptions {
  /** Seconds between two checks for cells that are not queued. */
  readonly rescan: number;
  /** Seconds until a cell that another worker has is checked again. */
  readonly look: number;
  /** Seconds without a heartbeat after which a worker counts as dead. */
  readonly patience: number;
  /** Whether to end once every cell is done or has failed. */
  readonly untilDone: boolean;
}

/** Cells that become ready with a committed cell. Their other inputs are looked up in the store. */
export async function readyAfter(key: string, { store, board }: QueueTasks): Promise<Cell[]> {
  const ready: Cell[] = [];
  for (const cell of board.cells.values()) {
    if (!cell.work.inputs.includes(key) || board.done.has(cell.key)) continue;
    for (const input of cell.work.inputs)
      if (!board.done.has(input) && (await manifestOf(store, input)) !== null)
        board.setDone([input]);
    if (board.isReady(cell)) ready.push(cell);
  }
  return ready;
}

/** Queues every ready cell if no job waits: the queue may have lost jobs, or a worker died before it queued them. */
export async function rescan(queue: CellQueue, tasks: QueueTasks): Promise<void> {
  const { board } = tasks;
  await tasks.refresh();
  if (!(await queue.isEmpty())) return;
  const open = board.remaining(() => true);
  await queue.add(open.filter((cell) => board.isReady(cell) && !board.busy.has(cell.key)));
}

/** Works on a queue until the signal or the store stops it, or, with `untilDone`, until no work is left. */
export async function workOnQueue(
  queue: CellQueue,
  tasks: QueueTasks,
  { rescan: seconds, look, patience, untilDone }: QueueOptions,
): Promise<void> {
  const { bull, redis } = await queuePackages();
  const { board, signal, workers } = tasks;
  const connection: RedisClient = new redis.Redis(queue.url, {
    maxRetriesPerRequest: null,
    retryStrategy: retryPause,
  });
  // The queue itself reports an unavailable Redis.
  connection.on("error", () => undefined);
  const idle = [...workers];
  const lockDuration = 1000 * Math.min(30, Math.max(1, patience / 2));
  let draining = false;

  let problem: unknown;
  const tryCell = async (cell: Cell): Promise<Tried> => {
    const worker = idle.pop();
    if (worker === undefined) throw new Error("more jobs than workers");
    try {
      return await worker.try(cell);
    } catch (error) {
      // The store was unavailable for too long, or there is a bug: this process ends.
      problem ??= error;
      return "stopped";
    } finally {
      idle.push(worker);
    }
  };

  const process = async (job: BullJob, token?: string): Promise<void> => {
    const key = job.id ?? "";
    if ((await tasks.pause()) === "stop") draining = true;
    const cell = board.cells.get(key);
    const isEnding = draining || signal.aborted || problem !== undefined;
    if (isEnding || cell === undefined || board.done.has(key)) return;
    const tried = await tryCell(cell);
    if (tried === "held") {
      await job.moveToDelayed(Date.now() + 1000 * look, token);
      throw new bull.DelayedError();
    }
    if (tried === "committed" || tried === "known") await queue.add(await readyAfter(key, tasks));
  };

  const worker: BullWorker = new bull.Worker(queue.name, process, {
    connection,
    concurrency: workers.length,
    // As long as leases: a job whose worker died goes to another worker when its lease has ended.
    lockDuration,
    stalledInterval: lockDuration,
    // If two workers get the same job, the lease decides which of them computes the cell.
    maxStalledCount: 1_000_000,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  worker.on("error", () => undefined);
  try {
    let scanned = Number.NEGATIVE_INFINITY;
    while (!signal.aborted && !draining && problem === undefined) {
      if (nodeClock.now() - scanned >= seconds) {
        scanned = nodeClock.now();
        if ((await tasks.pause()) === "stop") break;
        // An unavailable queue does not answer calls until it is back.
        const scan = rescan(queue, tasks).catch((error) => {
          if (error instanceof UsageError) problem = error;
        });
        await atMost(scan, seconds);
      }
      if (untilDone && board.remaining(() => true).length === 0) break;
      await Promise.race([nodeClock.sleep(Math.min(1, seconds)), board.change()]);
    }
  } finally {
    await atMost(worker.close(), CLOSE_SECONDS);
    await atMost(worker.close(true), 1);
    connection.disconnect();
  }
  if (problem !== undefined) throw problem;
}

/** Seconds for running jobs to end after their cells are stopped or done. */
const CLOSE_SECONDS = 10;

/** Waits for a promise, at most for some seconds. Leaves no timer that would keep the process alive. */
export async function atMost(promise: Promise<unknown>, seconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, 1000 * seconds);
  });
  await Promise.race([promise.catch(() => undefined), late]);
  clearTimeout(timer);
}
