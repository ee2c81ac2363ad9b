import type { AnalyseOptions } from "./crown.ts";

/** What bounds rows of a node's elements. */
export type RowBounds = NonNullable<AnalyseOptions["bounds"]>;

/** Rows between two looks at the clock: two of the largest programs. */
const MAX_ROWS = 512;

/** Bounds in parts of a few rows. Once `stop` says so, nothing is known about the rest, and an analysis keeps what it had. */
export const untilStopped =
  (stop: () => boolean, boundsOf: RowBounds): RowBounds =>
  async (state, node, rows) => {
    const bounds = new Float64Array(rows.length).fill(Number.NEGATIVE_INFINITY);
    for (let from = 0; from < rows.length && !stop(); from += MAX_ROWS)
      bounds.set(await boundsOf(state, node, rows.slice(from, from + MAX_ROWS)), from);
    return bounds;
  };
