// The state of a sweep as one process knows it: all cells, and which are done, failed, busy or ready.
import type { Cell } from "./cell.ts";

/** The final failure of a cell. */
export interface CellFailure {
  readonly message: string;
  /** The code of a `UsageError`; null for a bug in Rampart. */
  readonly code: string | null;
  readonly attempts: number;
}

/** The state of the cells in one process, which its logical workers share. */
export class Board {
  readonly cells = new Map<string, Cell>();
  readonly done = new Set<string>();
  readonly failed = new Map<string, CellFailure>();
  /** Cells that a worker of this process is computing. */
  readonly busy = new Set<string>();
  /** Cells that another process has, or that are retried later, with the earliest time of the next try. */
  readonly #notBefore = new Map<string, number>();
  #open: Cell[] = [];
  #waiting: (() => void)[] = [];

  /** Resolves when the next cell is committed or fails. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Adds cells, sorted by descending priority. */
  add(cells: readonly Cell[]): void {
    for (const cell of cells) if (!this.cells.has(cell.key)) this.cells.set(cell.key, cell);
    // Sorting is stable, so cells of equal priority keep the order of their plan.
    this.#open = [...this.cells.values()]
      .filter(({ key }) => !this.done.has(key))
      .sort((a, b) => b.priority - a.priority);
  }

  /** Records committed cells. Returns the cells that are new to this process. */
  setDone(keys: Iterable<string>): string[] {
    const fresh = [...keys].filter((key) => !this.done.has(key));
    for (const key of fresh) {
      this.done.add(key);
      this.failed.delete(key);
      this.#notBefore.delete(key);
    }
    if (fresh.length > 0) {
      this.#open = this.#open.filter(({ key }) => !this.done.has(key));
      this.#changed();
    }
    return fresh;
  }

  setFailed(key: string, failure: CellFailure): void {
    this.failed.set(key, failure);
    this.#changed();
  }

  /** Delays a cell until a time of this process's clock. */
  postpone(key: string, until: number): void {
    this.#notBefore.set(key, until);
  }

  /** Whether all inputs of a cell are committed. */
  isReady({ work }: Cell): boolean {
    return work.inputs.every((input) => this.done.has(input));
  }

  /** Whether a cell or one of the cells that it needs has failed. */
  isBlocked({ key, work }: Cell): boolean {
    if (this.failed.has(key)) return true;
    return work.inputs.some((input) => {
      const cell = this.cells.get(input);
      return cell !== undefined && !this.done.has(input) && this.isBlocked(cell);
    });
  }

  /** The cell to try next at a time: the first of the highest priority that is ready; undefined if no cell is ready. */
  next(wanted: (cell: Cell) => boolean, now: number): Cell | undefined {
    return this.#open.find(
      (cell) =>
        !this.done.has(cell.key) &&
        !this.busy.has(cell.key) &&
        !this.failed.has(cell.key) &&
        (this.#notBefore.get(cell.key) ?? Number.NEGATIVE_INFINITY) <= now &&
        this.isReady(cell) &&
        wanted(cell),
    );
  }

  /** The cells that are neither done nor failed nor blocked by a failure. */
  remaining(wanted: (cell: Cell) => boolean): Cell[] {
    return this.#open.filter((cell) => wanted(cell) && !this.isBlocked(cell));
  }
}
