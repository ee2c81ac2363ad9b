import { isBroken } from "../../evaluate/survivors.ts";
import type { Evaluation } from "../../report/evaluation.ts";
import type { ProvenBall } from "../../report/proven-balls.ts";
import { type AuditNorm, type AuditResult, atLargest } from "../result.ts";

/** Images that are proven, broken and undecided. */
export type Decided = Pick<ProvenBall, "examples" | "proven" | "broken" | "undecided">;

/**
 * The balls that a claim about all norms covers: each norm at its largest radius. Under noise ℓ0 is left out: it has no
 * certificates, and an attack there breaks a share of the draws, which decides no image.
 */
export const decidedBalls = ({ norms, noise }: Pick<AuditResult, "norms" | "noise">): AuditNorm[] =>
  atLargest(norms).filter(({ norm }) => noise === null || norm !== "l0");

/** The images that attacks or searches broke in any ball of the audit, or that are wrong when clean. */
const brokenByAttacks = ({ rows }: Pick<Evaluation, "rows">): Set<number> =>
  new Set(
    rows
      .filter((row) => isBroken(row) || (row.draws === 1 && row.clean === 0))
      .map(({ index }) => index),
  );

/**
 * The status of the images over all norms at their largest radii: proven in every ball, broken in at least one, or neither. No
 * proof covers ℓ0, so with an ℓ0 radius nothing is proven. Without proofs, only broken images are known. Null for a randomised
 * classifier without proofs, on which an attack breaks a share of draws.
 */
export function decidedOverNorms(
  result: AuditResult,
  { proofs = [], rows }: Pick<Evaluation, "proofs" | "rows">,
): Decided | null {
  const { examples, union, noise } = result;
  const largest = decidedBalls(result).map(({ norm, epsilon }) => `${norm}@${epsilon}`);
  const known = proofs.filter(({ norm, epsilon }) => largest.includes(`${norm}@${epsilon}`));
  if (known.length === 0) {
    if (noise !== null) return null;
    const broken = Math.round(examples * (1 - union.mean));
    return { examples, proven: 0, broken, undecided: examples - broken };
  }
  const indices = [...new Set(known.map(({ index }) => index))];
  const attacked = brokenByAttacks({ rows });
  const refuted = new Set(
    known.filter(({ status }) => status === "broken").map(({ index }) => index),
  );
  const broken = indices.filter((index) => refuted.has(index) || attacked.has(index));
  const proven = indices.filter((index) => {
    const own = known.filter((row) => row.index === index);
    return own.length === largest.length && own.every(({ status }) => status === "proven");
  });
  return {
    examples: indices.length,
    proven: proven.length,
    broken: broken.length,
    undecided: indices.length - proven.length - broken.length,
  };
}
