// Sweeps on this machine: plans from files, a store in a folder, and workers that compute in child processes.
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { dirname, isAbsolute, resolve } from "node:path";
import { openDatasetInNode } from "../data/node.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { nodeHost } from "../files/host/node.ts";
import { isAlive, ownIdentity } from "../files/lease/node.ts";
import { readText } from "../files/read/node.ts";
import { loadedPlugins } from "../math/plugin.ts";
import { readOnnxFile } from "../models/node.ts";
import { openModelInNode } from "../models/opening/node.ts";
import { onnxChecksum } from "../models/opening/onnx-checksum.ts";
import { noiseNamedInNode } from "../noise/node.ts";
import { type AttemptContext, Attempts } from "./attempts.ts";
import { Board } from "./board.ts";
import type { Cell } from "./cell.ts";
import { CellProcess } from "./child/node.ts";
import { requireCode } from "./code.ts";
import { type Asked, askedOf } from "./control.ts";
import { codeVersion } from "./key.ts";
import { nodeClock } from "./node-clock.ts";
import type { SweepEvent } from "./outcome.ts";
import { cellsOf } from "./plan/expand.ts";
import { parsePlan } from "./plan/grid.ts";
import type { PlanFile } from "./plan/schema.ts";
import type { StoredPlan } from "./plans.ts";
import { type CellState, STATE_FILE } from "./status.ts";
import { openStore, STORE_FILE } from "./store/format.ts";
import { nodeStore, refuseOtherFolder } from "./store/node.ts";
import type { Store } from "./store/store.ts";
import { CellWorker } from "./worker.ts";

/** Opens the store in a folder. Throws `UsageError` if the folder is not a store, or has another version. */
export async function openNodeStore(
  path: string,
  { create }: { readonly create: boolean },
): Promise<Store> {
  if (create) await refuseOtherFolder(path);
  const store = nodeStore(path);
  await openStore(store, { create });
  return store;
}

/** The settings with which this process takes cells, without the store. */
export async function attemptContext(patience: number): Promise<Omit<AttemptContext, "store">> {
  return {
    record: {
      token: randomUUID(),
      owner: `process ${process.pid} on ${hostname()}`,
      identity: await ownIdentity(),
    },
    clock: nodeClock,
    patience,
    isAlive,
    now: () => new Date(),
  };
}

/** A plug-in in a form for other processes: the absolute path of a file, or the name of a package. */
const wherever = (plugin: string): string =>
  /^\.{0,2}[\\/]/.test(plugin) || /\.[cm]?[jt]s$/.test(plugin) ? resolve(plugin) : plugin;

/** Reads a plan and expands it into cells for this machine's runtime. Throws `UsageError`. */
export const planInNode = async (
  path: string,
  options: { readonly dataDir?: string | undefined },
): Promise<StoredPlan> => storedPlanOf(parsePlan(path, await readText(path)), path, options);

/** Expands a plan into cells for this machine's runtime. File names in the plan are relative to `path`. Throws `UsageError`. */
export async function storedPlanOf(
  plan: PlanFile,
  path: string,
  { dataDir }: { readonly dataDir?: string | undefined },
): Promise<StoredPlan> {
  const { device, threads } = plan;
  const runtime = await nodeRuntime({ device, threads });
  const cells = await cellsOf(plan, path, {
    target: runtime.target,
    host: nodeHost,
    openData: (name) => openDatasetInNode(name, { dataDir }),
    noiseNamed: noiseNamedInNode,
    async openFile(file, reading) {
      const whole = isAbsolute(file) ? file : resolve(dirname(path), file);
      const sha256 = await onnxChecksum(await readOnnxFile(whole), nodeHost);
      const model = await openModelInNode(whole, { ...reading, runtime });
      return { path: whole, sha256, model };
    },
  });
  return {
    name: plan.name,
    code: codeVersion(),
    target: runtime.target,
    retries: plan.retries,
    backOff: plan.backOff,
    plugins: loadedPlugins().map(wherever),
    cells,
  };
}

/** The settings of this process's workers. */
export interface WorkersOptions {
  readonly store: Store;
  /** Seconds without a heartbeat after which another worker counts as dead. */
  readonly patience: number;
  readonly dataDir?: string | undefined;
  readonly signal: AbortSignal;
  /** The board that several plans share; by default each plan has its own. */
  readonly board?: Board | undefined;
  note(text: string): void;
  onEvent?(event: SweepEvent): void;
  onProgress?(cell: Cell, done: number, total: number): void;
}

/** Seconds between two checks of the store while no cell is ready, and of the leases of cells in progress. */
const RESCAN = 2;
/** Seconds to wait for an unavailable store. */
const AWAY_SECONDS = 600;

/**
 * Waits while the store requests a pause; returns `stop` once it requests draining. Checks every few seconds at most, and
 * reports each state once.
 */
export function pauseOf({
  store,
  signal,
  note,
}: Pick<WorkersOptions, "store" | "signal" | "note">): () => Promise<"go" | "stop"> {
  let looked = Number.NEGATIVE_INFINITY;
  let told: Asked = "run";
  const tell = (asked: Asked): void => {
    const next = `workers continue after: rampart sweep --proceed --store ${store.path}`;
    if (asked !== told && asked === "pause") note(`${store.path} is paused; ${next}`);
    if (asked !== told && asked === "drain")
      note(`${store.path} is being drained, so this process starts no further cell; ${next}`);
    told = asked;
  };
  return async () => {
    if (nodeClock.now() - looked < RESCAN) return "go";
    while (!signal.aborted) {
      looked = nodeClock.now();
      const asked = await askedOf(store).catch(() => "run" as const);
      tell(asked);
      if (asked === "drain") return "stop";
      if (asked === "run") return "go";
      await nodeClock.sleep(RESCAN);
    }
    return "stop";
  };
}

/** The workers of one process on one plan. They share their knowledge of the store. */
export class NodeWorkers {
  readonly board: Board;
  readonly #plan: StoredPlan;
  readonly #options: WorkersOptions;
  readonly #attempts: Attempts;
  readonly #owner: string;
  readonly #processes: CellProcess[] = [];

  private constructor(
    plan: StoredPlan,
    options: WorkersOptions,
    context: Omit<AttemptContext, "store">,
  ) {
    this.board = options.board ?? new Board();
    this.#plan = plan;
    this.#options = options;
    this.#attempts = new Attempts({ ...context, store: options.store });
    this.#owner = context.record.owner;
    this.board.add(plan.cells);
  }

  /** Throws `UsageError` for a plan of another version of the code. */
  static async open(plan: StoredPlan, options: WorkersOptions): Promise<NodeWorkers> {
    requireCode(plan.code, codeVersion());
    return new NodeWorkers(plan, options, await attemptContext(options.patience));
  }

  get attempts(): Attempts {
    return this.#attempts;
  }

  /** One more worker, with a separate process for its cells. */
  worker(): CellWorker {
    const { store, dataDir, signal, note, onEvent, onProgress, patience } = this.#options;
    const started = new Map<string, number>();
    const noted = new Map<string, number>();
    const cells = new CellProcess({
      // The process of a cell may change its working directory.
      store: resolve(store.path),
      target: this.#plan.target,
      dataDir: dataDir === undefined ? undefined : resolve(dataDir),
      folder: this.#plan.folder,
      plugins: this.#plan.plugins,
      cell: (key) => this.board.cells.get(key),
      note,
      progress(cell, { files }, done, total) {
        onProgress?.(cell, done, total);
        const now = nodeClock.now();
        const start = started.get(cell.key) ?? now;
        started.set(cell.key, start);
        if (now - (noted.get(cell.key) ?? Number.NEGATIVE_INFINITY) < 5) return;
        noted.set(cell.key, now);
        const seconds = now - start;
        const at = new Date(Date.now() - 1000 * seconds).toISOString();
        const state: CellState = { started: at, done, total, seconds };
        // Only for `--status`. An unavailable store is noticed elsewhere.
        void files.write(STATE_FILE, JSON.stringify(state)).catch(() => undefined);
      },
    });
    this.#processes.push(cells);
    return new CellWorker({
      store,
      attempts: this.#attempts,
      board: this.board,
      host: nodeHost,
      clock: nodeClock,
      execute: cells.execute,
      owner: this.#owner,
      retries: this.#plan.retries,
      backOff: this.#plan.backOff,
      look: Math.min(5, patience / 4),
      awaySeconds: AWAY_SECONDS,
      signal,
      onEvent,
    });
  }

  /** Works with `count` workers until every requested cell is done or has failed, or the signal or the store stops them. */
  async run(count: number, wanted: (cell: Cell) => boolean): Promise<void> {
    const workers = Array.from({ length: count }, () => this.worker());
    const { store, signal, note } = this.#options;
    const silent = () => undefined;
    try {
      await workers[0].refresh();
      const running = workers.map((worker, i) => {
        const pause = pauseOf({ store, signal, note: i === 0 ? note : silent });
        return worker.run(wanted, { rescan: RESCAN, pause });
      });
      const ended = await Promise.allSettled(running);
      for (const one of ended) if (one.status === "rejected") throw one.reason;
    } finally {
      await this.close();
    }
  }

  /** Allows retries of failed cells. */
  async retryFailed(wanted: (cell: Cell) => boolean): Promise<number> {
    const { store } = this.#options;
    let count = 0;
    for (const cell of this.board.cells.values()) {
      if (this.board.done.has(cell.key) || !wanted(cell)) continue;
      const ends = await this.#attempts.endsOf(cell.key);
      const leases = await store.leases(cell.key).attempts();
      const isEnded = leases.every((number) => ends.some(({ attempt }) => attempt === number));
      if (!isEnded || !ends.some(({ how }) => how === "failed")) continue;
      await this.#attempts.clear(cell.key);
      count++;
    }
    return count;
  }

  /** Ends the processes of all workers. */
  async close(): Promise<void> {
    await Promise.all(this.#processes.splice(0).map((one) => one.close()));
  }
}

/** The name of the file that marks a store, for messages. */
export { STORE_FILE };
