// One logical worker: takes a cell, has it computed, commits the result, and repeats until no cells are left.
import type { Host } from "../files/host/host.ts";
import type { LeaseClock } from "../files/lease/lease.ts";
import { messageOf } from "../math/message-of.ts";
import type { Attempt, AttemptEnd, Attempts, Untaken } from "./attempts.ts";
import type { Board } from "./board.ts";
import type { Cell } from "./cell.ts";
import { failures, finalFailure } from "./failures.ts";
import type { Execute, Outcome, SweepEvent, Tried } from "./outcome.ts";
import { probeOf } from "./probe.ts";
import { commit, committedKeys, dropOtherFiles, manifestOf } from "./results.ts";
import { type Store, StoreAway } from "./store/store.ts";

/** The inputs of a worker. The workers of one process share them. */
export interface WorkerContext {
  readonly store: Store;
  readonly attempts: Attempts;
  readonly board: Board;
  readonly host: Host;
  readonly clock: LeaseClock;
  readonly execute: Execute;
  readonly owner: string;
  /** The number of further attempts after the first failed attempt. */
  readonly retries: number;
  /** Seconds to wait after the first failed attempt; doubled after each further one. */
  readonly backOff: number;
  /** Seconds between two checks of a lease. */
  readonly look: number;
  /** Seconds to wait for an unavailable store. */
  readonly awaySeconds: number;
  /** Asks to stop after the current step. */
  readonly signal: AbortSignal;
  onEvent?(event: SweepEvent): void;
}

/** If a store recovers within this many seconds, it was not unavailable but too full for one file. */
const MIN_AWAY = 1;

/** Computes cells one after the other. */
export class CellWorker {
  readonly #context: WorkerContext;

  constructor(context: WorkerContext) {
    this.#context = context;
  }

  /** Repeats an action on the store until the store is available. Throws `StoreAway` if this takes too long. */
  async #patiently<T>(action: () => Promise<T>): Promise<T> {
    const { clock, awaySeconds, onEvent } = this.#context;
    const start = clock.now();
    let told = false;
    for (let pause = 0.5; ; pause = Math.min(5, 2 * pause)) {
      try {
        const value = await action();
        if (told)
          onEvent?.({
            event: "back",
            message: `the store is back after ${Math.round(clock.now() - start)} s`,
          });
        return value;
      } catch (error) {
        if (!(error instanceof StoreAway) || clock.now() - start > awaySeconds) throw error;
        if (!told)
          onEvent?.({
            event: "away",
            message: `${error.message}. Waiting for up to ${awaySeconds} s: the sweep continues by itself once this is fixed`,
          });
        told = true;
        await clock.sleep(pause);
      }
    }
  }

  /** Tries one cell that is ready. */
  async try(cell: Cell): Promise<Tried> {
    const { board } = this.#context;
    board.busy.add(cell.key);
    try {
      return await this.#try(cell);
    } finally {
      board.busy.delete(cell.key);
    }
  }

  async #try(cell: Cell): Promise<Tried> {
    const { attempts, board, clock, store, retries, look, onEvent } = this.#context;
    const taken = await this.#patiently(() =>
      attempts.take(
        cell.key,
        (ends) => finalFailure(ends, retries) !== undefined || this.#wait(cell, ends) > 0,
      ),
    );
    if (!("number" in taken)) return this.#untaken(cell, taken);
    if ((await this.#patiently(() => manifestOf(store, cell.key))) !== null) {
      await taken.close();
      await this.#patiently(() => attempts.clear(cell.key));
      board.setDone([cell.key]);
      return "known";
    }
    onEvent?.({ event: "started", cell, attempt: taken.number, lost: taken.lost });
    const start = clock.now();
    const started = this.#context.host.now().toISOString();
    const outcome = await this.#compute(cell, taken);
    if (outcome.how === "done") return this.#commit(cell, taken, outcome, { started, start });
    board.postpone(cell.key, clock.now() + look);
    if (outcome.how === "lost") {
      await taken.close().catch(() => undefined);
      onEvent?.({ event: "lost", cell });
      return "lost";
    }
    return this.#end(cell, taken, outcome);
  }

  /** Seconds until a failed cell is retried, from the time when this process first saw the failure. */
  readonly #failedAt = new Map<string, { readonly count: number; readonly since: number }>();

  #wait(cell: Cell, ends: readonly AttemptEnd[]): number {
    const { clock, backOff } = this.#context;
    const count = failures(ends).length;
    if (count === 0) return 0;
    const known = this.#failedAt.get(cell.key);
    const since = known?.count === count ? known.since : clock.now();
    this.#failedAt.set(cell.key, { count, since });
    return since + backOff * 2 ** (count - 1) - clock.now();
  }

  #untaken(cell: Cell, { owner, ends }: Untaken): Tried {
    const { board, clock, retries, look } = this.#context;
    const final = owner === null ? finalFailure(ends, retries) : undefined;
    if (final !== undefined) {
      board.setFailed(cell.key, {
        message: final.message,
        code: final.code,
        attempts: ends.length,
      });
      return "failed";
    }
    const wait = owner === null ? Math.max(0.1, this.#wait(cell, ends)) : look;
    board.postpone(cell.key, clock.now() + wait);
    return "held";
  }

  /** Computes until the cell is done, failed, stopped or lost. An unavailable store only interrupts the attempt. */
  async #compute(cell: Cell, attempt: Attempt): Promise<Outcome | { readonly how: "lost" }> {
    const { execute, signal, clock, store, awaySeconds } = this.#context;
    const start = clock.now();
    for (;;) {
      const lost = new AbortController();
      const watch = this.#watch(attempt, lost);
      const outcome = await execute(cell, attempt, AbortSignal.any([signal, lost.signal])).finally(
        () => watch.stop(),
      );
      if (lost.signal.aborted) return { how: "lost" };
      if (outcome.how !== "away") return outcome;
      const failed = { how: "failed", code: "cannot-write", retry: true } as const;
      const began = clock.now();
      try {
        await this.#patiently(probeOf(attempt, store, outcome.message));
      } catch (error) {
        return { ...failed, message: messageOf(error) };
      }
      // A small file may fit where a large one does not.
      if (clock.now() - began < MIN_AWAY && clock.now() - start > awaySeconds)
        return { ...failed, message: outcome.message };
      if (!(await this.#patiently(() => attempt.isHeld()))) return { how: "lost" };
      if (signal.aborted) return { how: "stopped" };
    }
  }

  /** Checks the lease while a cell is computed, and aborts `lost` once another worker has taken over. */
  #watch(attempt: Attempt, lost: AbortController): { stop(): void } {
    const { clock, look } = this.#context;
    let running = true;
    const watching = async () => {
      while (running) {
        await clock.sleep(look);
        // An unavailable store gives no information about the lease, and is noticed elsewhere.
        const held = running ? await attempt.isHeld().catch(() => true) : true;
        if (!held && running) lost.abort();
      }
    };
    void watching();
    return {
      stop() {
        running = false;
      },
    };
  }

  async #commit(
    cell: Cell,
    attempt: Attempt,
    { files, removed, processor }: Extract<Outcome, { how: "done" }>,
    { started, start }: { readonly started: string; readonly start: number },
  ): Promise<Tried> {
    const { store, host, clock, board, attempts, owner, onEvent } = this.#context;
    const seconds = clock.now() - start;
    const times = {
      owner,
      attempt: attempt.number,
      started,
      ended: host.now().toISOString(),
      seconds,
      processor,
      removed,
    };
    const how = await this.#patiently(() => commit(store, cell.key, { files, times, host }));
    await attempt.close().catch(() => undefined);
    if (how === "different") {
      const manifest = await this.#patiently(() => manifestOf(store, cell.key));
      if (manifest !== null) await this.#patiently(() => dropOtherFiles(store, manifest));
    }
    await this.#patiently(() => attempts.clear(cell.key));
    board.setDone([cell.key]);
    if (how === "committed") {
      onEvent?.({ event: "committed", cell, seconds, processor });
      return "committed";
    }
    onEvent?.({ event: "late", cell, same: how === "same" });
    return "known";
  }

  async #end(
    cell: Cell,
    attempt: Attempt,
    outcome: Extract<Outcome, { how: "failed" | "stopped" | "away" }>,
  ): Promise<Tried> {
    const { host, retries, attempts, board, onEvent } = this.#context;
    const failed = outcome.how === "failed" ? outcome : null;
    const end = {
      how: failed === null ? ("stopped" as const) : ("failed" as const),
      message: failed?.message ?? "",
      code: failed?.code ?? null,
      retry: failed?.retry ?? true,
      at: host.now().toISOString(),
    };
    await this.#patiently(() => attempt.close(end));
    if (failed === null) return "stopped";
    const ends = await this.#patiently(() => attempts.endsOf(cell.key));
    const final = finalFailure(ends, retries);
    if (final !== undefined)
      board.setFailed(cell.key, {
        message: final.message,
        code: final.code,
        attempts: ends.length,
      });
    else board.postpone(cell.key, this.#context.clock.now() + Math.max(0, this.#wait(cell, ends)));
    const own = { attempt: attempt.number, owner: attempt.owner, ...end };
    onEvent?.({ event: "failed", cell, end: own, final: final !== undefined });
    return final === undefined ? "held" : "failed";
  }

  /** Finds the cells that other processes have committed. Returns the cells that are new to this process. */
  async refresh(): Promise<string[]> {
    const { board, store } = this.#context;
    return board.setDone(await this.#patiently(() => committedKeys(store)));
  }

  /**
   * Works until every requested cell is done or cannot be done, or until the signal stops it. `pause` is called between cells,
   * and may wait. Throws `UsageError` if the store has been unavailable for too long.
   */
  async run(
    wanted: (cell: Cell) => boolean,
    {
      rescan,
      pause,
    }: {
      /** Seconds between two checks of the store while no cell is ready. */
      readonly rescan: number;
      pause?(): Promise<"go" | "stop">;
    },
  ): Promise<void> {
    const { board, clock, signal } = this.#context;
    while (!signal.aborted) {
      if ((await pause?.()) === "stop") return;
      if (signal.aborted) return;
      const cell = board.next(wanted, clock.now());
      if (cell !== undefined) {
        await this.try(cell);
        continue;
      }
      if (board.remaining(wanted).length === 0) return;
      if ((await this.refresh()).length > 0) continue;
      await Promise.race([clock.sleep(rescan), board.change()]);
    }
  }
}
