// The state of a store's sweeps: done, running, failed and waiting cells, and the time left.
import { leaseRecord } from "../files/lease/lease.ts";
import { type AttemptContext, type AttemptEnd, Attempts } from "./attempts.ts";
import type { Cell, CellKind } from "./cell.ts";
import { type Asked, askedOf } from "./control.ts";
import { finalFailure } from "./failures.ts";
import { readPlans, type StoredPlan } from "./plans.ts";
import { committedKeys, timesOf } from "./results.ts";
import { attemptFolder, cellFolder, type Store } from "./store/store.ts";

/** The state of a cell that a worker records in the attempt's folder while it computes. */
export interface CellState {
  readonly started: string;
  readonly done: number;
  readonly total: number;
  /** Seconds since the cell started. */
  readonly seconds: number;
}

/** The file of `CellState` in an attempt. */
export const STATE_FILE = "state.json";

/** A cell that a worker has, as known without watching its lease. */
export interface RunningCell {
  readonly key: string;
  readonly label: string;
  readonly owner: string;
  readonly attempt: number;
  /** Null until the worker has reported progress. */
  readonly state: CellState | null;
}

/** A cell whose worker on this machine has died. The next worker that takes the cell continues from its files. */
export type LostCell = Pick<RunningCell, "key" | "label" | "owner" | "attempt">;

/** A cell without further attempts. */
export interface FailedCell {
  readonly key: string;
  readonly label: string;
  readonly message: string;
  readonly code: string | null;
  readonly attempts: number;
}

/** The state of all plans of a store. */
export interface SweepStatus {
  readonly asked: Asked;
  readonly cells: number;
  readonly done: number;
  readonly kinds: Readonly<Record<string, { readonly done: number; readonly cells: number }>>;
  readonly running: readonly RunningCell[];
  readonly lost: readonly LostCell[];
  readonly failed: readonly FailedCell[];
  /** Cells that need a failed cell. */
  readonly blocked: number;
  readonly waiting: number;
  /** Total seconds of the finished cells, over all workers. */
  readonly secondsDone: number;
  /** Estimated seconds of one worker for the remaining cells; null before the first cell of a kind is done. */
  readonly secondsLeft: number | null;
  /** Estimated floating-point operations of the remaining cells. */
  readonly flopsLeft: number;
}

/** The state of an unfinished cell; all null if it waits. */
interface OpenState {
  readonly running: RunningCell | null;
  readonly lost: LostCell | null;
  readonly failed: FailedCell | null;
}

const WAITING: OpenState = { running: null, lost: null, failed: null };

const parse = <T>(bytes: Uint8Array | null): T | null => {
  try {
    return bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as T);
  } catch {
    return null;
  }
};

/** The progress of an unfinished cell. */
async function openState(
  { store, isAlive }: Pick<AttemptContext, "store" | "isAlive">,
  attempts: Attempts,
  cell: Cell,
  retries: number,
): Promise<OpenState> {
  const names = await store.list(cellFolder(cell.key));
  if (names.length === 0) return WAITING;
  const ends: AttemptEnd[] = await attempts.endsOf(cell.key);
  const { key, label } = cell;
  const numbers = names.map((name) => Number(/^lease\.(\d+)$/.exec(name)?.[1] ?? 0));
  const last = Math.max(0, ...numbers);
  const isOpen = last > 0 && !ends.some(({ attempt }) => attempt === last);
  if (isOpen) {
    const record = leaseRecord((await store.leases(key).read(last)) ?? "");
    const owner = record?.owner ?? "an unknown process";
    if (record !== null && (await isAlive(record)) === false)
      return Object.assign({}, WAITING, { lost: { key, label, owner, attempt: last } });
    const state = parse<CellState>(
      await store.read(`${attemptFolder(key, last)}/${STATE_FILE}`).catch(() => null),
    );
    return Object.assign({}, WAITING, { running: { key, label, owner, attempt: last, state } });
  }
  const final = finalFailure(ends, retries);
  if (final === undefined) return WAITING;
  const { message, code } = final;
  const failed = { key, label, message, code, attempts: ends.length };
  return Object.assign({}, WAITING, { failed });
}

/** Seconds per floating-point operation of each kind, from the finished cells. */
async function paces(
  store: Store,
  done: readonly Cell[],
): Promise<{ readonly pace: ReadonlyMap<CellKind, number>; readonly seconds: number }> {
  const sums = new Map<CellKind, { seconds: number; cost: number }>();
  let seconds = 0;
  for (const { key, work, cost } of done) {
    const times = await timesOf(store, key);
    if (times === null) continue;
    const sum = sums.get(work.kind) ?? { seconds: 0, cost: 0 };
    sums.set(work.kind, {
      seconds: sum.seconds + times.seconds,
      cost: sum.cost + Math.max(1, cost),
    });
    seconds += times.seconds;
  }
  const pace = new Map([...sums].map(([kind, sum]) => [kind, sum.seconds / sum.cost]));
  return { pace, seconds };
}

/** Cells of all plans, each once, with the retries of its first plan. */
function plannedCells(plans: readonly StoredPlan[]): Map<string, { cell: Cell; retries: number }> {
  const cells = new Map<string, { cell: Cell; retries: number }>();
  for (const { cells: all, retries } of plans)
    for (const cell of all) if (!cells.has(cell.key)) cells.set(cell.key, { cell, retries });
  return cells;
}

/** Reads the state of a store, and does not change it. */
export async function sweepStatus(
  store: Store,
  context: Omit<AttemptContext, "store">,
  plans?: readonly StoredPlan[],
): Promise<SweepStatus> {
  const attempts = new Attempts({ ...context, store });
  const cells = plannedCells(plans ?? (await readPlans(store)));
  const committed = await committedKeys(store);
  const running: RunningCell[] = [];
  const lost: LostCell[] = [];
  const failed: FailedCell[] = [];
  const kinds: Record<string, { done: number; cells: number }> = {};
  for (const { cell, retries } of cells.values()) {
    const kind = kinds[cell.work.kind] ?? { done: 0, cells: 0 };
    const isDone = committed.has(cell.key);
    kinds[cell.work.kind] = { done: kind.done + (isDone ? 1 : 0), cells: kind.cells + 1 };
    if (isDone) continue;
    const state = await openState({ store, isAlive: context.isAlive }, attempts, cell, retries);
    if (state.lost !== null) lost.push(state.lost);
    if (state.running !== null) running.push(state.running);
    if (state.failed !== null) failed.push(state.failed);
  }
  const all = [...cells.values()].map(({ cell }) => cell);
  const dropped = new Set(failed.map(({ key }) => key));
  const isBlocked = ({ work }: Cell): boolean =>
    work.inputs.some((key) => {
      const input = cells.get(key)?.cell;
      return dropped.has(key) || (input !== undefined && !committed.has(key) && isBlocked(input));
    });
  const open = all.filter(({ key }) => !committed.has(key) && !dropped.has(key));
  const blocked = open.filter(isBlocked);
  const { pace, seconds } = await paces(
    store,
    all.filter(({ key }) => committed.has(key)),
  );
  const rest = open.filter((cell) => !blocked.includes(cell));
  const isKnown = rest.every(({ work, cost }) => pace.has(work.kind) || cost === 0);
  const left = rest.reduce((sum, { work, cost }) => sum + cost * (pace.get(work.kind) ?? 0), 0);
  return {
    asked: await askedOf(store),
    cells: all.length,
    done: all.length - open.length - failed.length,
    kinds,
    running,
    lost,
    failed,
    blocked: blocked.length,
    waiting: rest.length - running.length,
    secondsDone: seconds,
    secondsLeft: isKnown ? left : null,
    flopsLeft: rest.reduce((sum, { cost }) => sum + cost, 0),
  };
}
