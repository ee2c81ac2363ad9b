// Inference from certificates of a sample to the whole data set.
import { lowerBound } from "./binomial.ts";
import type { CertifiedNorm } from "./radii.ts";
import type { CertificateRow } from "./row.ts";

/** The confidence 1 − β that the lower bounds of all radii hold simultaneously. */
export const CONFIDENCE = 0.95;

/** The certified accuracy at one radius. */
export interface CertifiedShare {
  readonly norm: CertifiedNorm;
  readonly radius: number;
  /** Images that are certified at this radius for their label. */
  readonly certified: number;
  readonly of: number;
  /** Lower bound, over the distribution of images, of the share that is classified correctly everywhere within the radius. */
  readonly low: number;
}

/** Whether a row shows that its image is classified correctly everywhere within the radius. */
const holds = ({ prediction, label, radius }: CertificateRow, norm: CertifiedNorm, at: number) =>
  prediction === label && radius[norm] >= at;

/**
 * The certified accuracy at each of m radii. With K of N independent images certified, the share that would be certified
 * is at least the Clopper–Pearson bound of (K, N) at level β/m. A certificate is wrong with probability at most α, so at
 * least that share minus α is truly robust; all m statements hold simultaneously with probability 1 − β (Bonferroni).
 *
 * @example
 * ```ts
 * import { certifiedShares, certify } from "rampart/node";
 *
 * const rows = await certify("runs/at", { noise: "normal:0.25", examples: 2, n: 100 });
 * console.log(certifiedShares(rows, ["l2"], [0.25])); // certified accuracy, with its lower bound
 * ```
 */
export function certifiedShares(
  rows: readonly CertificateRow[],
  norms: readonly CertifiedNorm[],
  radii: readonly number[],
): CertifiedShare[] {
  const level = (1 - CONFIDENCE) / (norms.length * radii.length);
  const alpha = Math.max(0, ...rows.map((row) => row.alpha));
  return norms.flatMap((norm) =>
    radii.map((radius) => {
      const certified = rows.filter((row) => holds(row, norm, radius)).length;
      const low = Math.max(0, lowerBound(certified, rows.length, level) - alpha);
      return { norm, radius, certified, of: rows.length, low };
    }),
  );
}
