import type { ProvenBall } from "../../report/proven-balls.ts";
import type { ProofRow } from "../../verify/proof-row.ts";
import { type AuditResult, atLargest } from "../result.ts";

/** Images that are proven, broken and undecided. */
export type Decided = Pick<ProvenBall, "examples" | "proven" | "broken" | "undecided">;

/**
 * The status of the images over all norms at their largest radii: proven in every ball, broken in at least one, or neither.
 * Without proofs, only broken images are known. Null for a randomised classifier, on which an attack breaks a share of draws.
 */
export function decidedOverNorms(
  { norms, examples, union, noise }: AuditResult,
  proofs: readonly ProofRow[],
): Decided | null {
  const largest = atLargest(norms).map(({ norm, epsilon }) => `${norm}@${epsilon}`);
  const rows = proofs.filter(({ norm, epsilon }) => largest.includes(`${norm}@${epsilon}`));
  if (rows.length === 0) {
    if (noise !== null) return null;
    const broken = Math.round(examples * (1 - union.mean));
    return { examples, proven: 0, broken, undecided: examples - broken };
  }
  const indices = [...new Set(rows.map(({ index }) => index))];
  const broken = new Set(
    rows.filter(({ status }) => status === "broken").map(({ index }) => index),
  );
  const proven = indices.filter((index) => {
    const own = rows.filter((row) => row.index === index);
    return own.length === largest.length && own.every(({ status }) => status === "proven");
  });
  return {
    examples: indices.length,
    proven: proven.length,
    broken: broken.size,
    undecided: indices.length - proven.length - broken.size,
  };
}
