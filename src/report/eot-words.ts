// Curves of accuracy against EOT draws as text, for text tables. Does not import chart libraries.
import type { EotCurve } from "../evaluate/eot-curve.ts";
import { epsilonText, listed, percent } from "./format.ts";

/** `pgd-linf, ε 0.031`. */
export const curveName = ({ attack, norm, epsilon }: EotCurve): string =>
  epsilon === null ? attack : `${attack}, ${epsilonText(norm, epsilon)}`;

/** A curve as a sentence: its accuracies, and the number of draws at which it settles. */
export function verdict({ points, settled }: EotCurve): string {
  const values = listed(points.map(({ eot, accuracy }) => `${percent(accuracy.mean)} at ${eot}`));
  const end =
    settled === null
      ? `not settled at ${points[points.length - 1].eot}, so more draws may lower it further`
      : `settled at ${settled}`;
  return `${values}: ${end}`;
}
