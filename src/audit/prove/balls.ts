import type { Norm } from "../../attacks/victim.ts";
import type { AuditOptions } from "../options.ts";

/** A ball around an image; the radius is for pixels in [0, 1]. */
export interface Ball {
  readonly norm: Norm;
  readonly epsilon: number;
}

/** ‖v‖∞ ≤ ‖v‖₂ ≤ ‖v‖₁, so that a ball contains those of the norms behind its own with the same radius. */
const ORDER: readonly Norm[] = ["linf", "l2", "l1"];

/** Whether a ball contains another one around the same image. */
export const contains = (outer: Ball, inner: Ball): boolean =>
  ORDER.indexOf(outer.norm) <= ORDER.indexOf(inner.norm) && inner.epsilon <= outer.epsilon;

/** The radii of each norm of an audit, ascending, each once. */
export function ballsOf({
  norms,
  epsilonLinf,
  epsilonL2,
  epsilonL1,
}: Pick<AuditOptions, "norms" | "epsilonLinf" | "epsilonL2" | "epsilonL1">): Ball[][] {
  const radii = { linf: epsilonLinf, l2: epsilonL2, l1: epsilonL1 };
  return [...new Set(norms)].map((norm) =>
    [...new Set(radii[norm])].sort((a, b) => a - b).map((epsilon) => ({ norm, epsilon })),
  );
}
