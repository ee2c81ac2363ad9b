import type { SparseRow } from "./sparse-row.ts";

/** The most numbers that are kept for one node. */
const MAX_NUMBERS = 2 ** 21;

/**
 * The best lower slopes that an ascent found for ±1 times an element of a node: those of all ReLUs below, one after the
 * other. Any slope in [0, 1] is sound, on any part of the region.
 */
export class KeptSlopes {
  readonly #rows = new Map<number, Float32Array>();
  #numbers = 0;

  /** Keeps the slopes of a row if it has one element, and if there is room. */
  keep(row: SparseRow, slopes: () => Float32Array): void {
    const key = keyOf(row);
    if (key === null || (this.#numbers > MAX_NUMBERS && !this.#rows.has(key))) return;
    const kept = slopes();
    if (!this.#rows.has(key)) this.#numbers += kept.length;
    this.#rows.set(key, kept);
  }

  of(row: SparseRow): Float32Array | undefined {
    const key = keyOf(row);
    return key === null ? undefined : this.#rows.get(key);
  }
}

/** A number for a row with one element; null for others. */
function keyOf(row: SparseRow): number | null {
  if (row.length !== 1) return null;
  const [[element, coefficient]] = row;
  return 2 * element + (coefficient < 0 ? 1 : 0);
}
