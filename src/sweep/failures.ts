import type { AttemptEnd } from "./attempts.ts";

/** The number of lost workers after which a cell counts as failed, because the cell may be what kills them. */
const MAX_LOST = 10;

/** The attempts that failed by an error of the cell. */
export const failures = (ends: readonly AttemptEnd[]): AttemptEnd[] =>
  ends.filter(({ how }) => how === "failed");

/** The final failure of a cell, from the ends of its attempts; undefined if another attempt is allowed. */
export function finalFailure(ends: readonly AttemptEnd[], retries: number): AttemptEnd | undefined {
  const failed = failures(ends);
  const last = failed.at(-1);
  if (last !== undefined && (!last.retry || failed.length > retries)) return last;
  const lost = ends.filter(({ how }) => how === "lost");
  return lost.length > MAX_LOST ? lost.at(-1) : undefined;
}
