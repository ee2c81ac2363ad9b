// The workers of `rampart worker`, which compute all plans of a store through a queue.

import { Board } from "../board.ts";
import type { Cell } from "../cell.ts";
import { requireCode } from "../code.ts";
import { codeVersion } from "../key.ts";
import { NodeWorkers, pauseOf, type WorkersOptions } from "../node.ts";
import type { Tried } from "../outcome.ts";
import { planNames, readPlan } from "../plans.ts";
import { committedKeys } from "../results.ts";
import type { CellWorker } from "../worker.ts";
import { CellQueue } from "./node.ts";
import { workOnQueue } from "./node-worker.ts";

/** The settings of a process that serves a queue. */
export interface ServeOptions extends Omit<WorkersOptions, "board"> {
  readonly url: string;
  readonly workers: number;
  readonly untilDone: boolean;
  /** Seconds between two checks for cells that are not queued. */
  readonly rescan: number;
}

/** All plans of a store in one process. A cell is computed by a worker of its plan. */
class Plans {
  readonly board = new Board();
  readonly #options: ServeOptions;
  readonly #pools: NodeWorkers[] = [];
  readonly #poolOf = new Map<string, NodeWorkers>();
  readonly #known = new Set<string>();

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  /** Reads new plans and committed cells. Throws `UsageError` for unfinished plans of another version of the code. */
  async refresh(): Promise<void> {
    const { store } = this.#options;
    const done = await committedKeys(store);
    for (const id of await planNames(store)) {
      if (this.#known.has(id)) continue;
      const plan = await readPlan(store, id);
      const isDone = plan.cells.every(({ key }) => done.has(key));
      if (!isDone) requireCode(plan.code, codeVersion());
      this.#known.add(id);
      if (isDone) continue;
      const pool = await NodeWorkers.open(plan, { ...this.#options, board: this.board });
      this.#pools.push(pool);
      for (const { key } of plan.cells) if (!this.#poolOf.has(key)) this.#poolOf.set(key, pool);
    }
    this.board.setDone(done);
  }

  /** A worker for any cell. It starts a process for each plan with its first cell of that plan. */
  worker(): { try(cell: Cell): Promise<Tried> } {
    const own = new Map<NodeWorkers, CellWorker>();
    return {
      try: async (cell) => {
        const pool = this.#poolOf.get(cell.key);
        if (pool === undefined) return "stopped";
        const worker = own.get(pool) ?? pool.worker();
        own.set(pool, worker);
        return worker.try(cell);
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.close()));
  }
}

/** Works on the queue of a store. Resolves to the board once the work stops. Throws `UsageError`. */
export async function serveQueue(options: ServeOptions): Promise<Board> {
  const { store, url, workers, untilDone, signal, note, patience } = options;
  const queue = await CellQueue.open(url, store, note);
  const plans = new Plans(options);
  try {
    await plans.refresh();
    await workOnQueue(
      queue,
      {
        store,
        board: plans.board,
        workers: Array.from({ length: workers }, () => plans.worker()),
        refresh: () => plans.refresh(),
        pause: pauseOf(options),
        signal,
        note,
      },
      { rescan: options.rescan, look: Math.min(5, patience / 4), patience, untilDone },
    );
    return plans.board;
  } finally {
    await plans.close();
    await queue.close();
  }
}
