import type { AttemptEnd } from "./attempts.ts";

/** Attempts whose workers were lost before a cell counts as failed: it may be what kills them. */
const MAX_LOST = 10;

/** The attempts that failed by themselves. */
export const failures = (ends: readonly AttemptEnd[]): AttemptEnd[] =>
  ends.filter(({ how }) => how === "failed");

/** The failure that is final among the ends of a cell's attempts; undefined if another attempt may be made. */
export function finalFailure(ends: readonly AttemptEnd[], retries: number): AttemptEnd | undefined {
  const failed = failures(ends);
  const last = failed.at(-1);
  if (last !== undefined && (!last.retry || failed.length > retries)) return last;
  const lost = ends.filter(({ how }) => how === "lost");
  return lost.length > MAX_LOST ? lost.at(-1) : undefined;
}
