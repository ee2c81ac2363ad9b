import type { Norm } from "../../attacks/victim.ts";
import type { Split } from "../../data/dataset.ts";
import { ballAround, type InputRegion } from "../../engine/bounds/region.ts";
import type { ImageRange } from "../../evaluate/image-range.ts";
import { UsageError } from "../../math/usage-error.ts";
import { type AuditOptions, searchedNorms } from "../options.ts";

/** The range of pixels. */
const PIXELS = [0, 1] as const;

/** A ball around an image; the radius is for pixels in [0, 1]. */
export interface Ball {
  readonly norm: Norm;
  readonly epsilon: number;
}

/** ‖v‖∞ ≤ ‖v‖₂ ≤ ‖v‖₁, so a ball contains the balls of the same radius in the norms listed after its norm. */
const ORDER: readonly Norm[] = ["linf", "l2", "l1"];

/** Whether a ball contains another one around the same image. */
export const contains = (outer: Ball, inner: Ball): boolean =>
  ORDER.indexOf(outer.norm) <= ORDER.indexOf(inner.norm) && inner.epsilon <= outer.epsilon;

/** Whether two balls have the same norm and radius. */
export const isSame = (a: Ball, b: Ball): boolean => a.norm === b.norm && a.epsilon === b.epsilon;

/**
 * The images in a ball around a test image whose pixels are in [0, 1]. Throws `UsageError` if the pixels of the test
 * image are not: the ball may then contain no such image, and any claim about it would hold.
 */
export function regionAround(test: Split, index: number, { norm, epsilon }: Ball): InputRegion {
  const { data } = test.images([index]);
  const wrong = data.findIndex((pixel) => !(pixel >= 0 && pixel <= 1));
  if (wrong >= 0)
    throw new UsageError(
      `test image ${index} has a pixel of ${data[wrong]} (element ${wrong}), and a proof is about images with pixels in [0, 1]; divide bytes by 255, and give a normalisation as --mean and --std`,
      { code: "misfit" },
    );
  return ballAround(norm, data, epsilon, PIXELS);
}

/** Whether a stored row is about an image and a ball of this audit. Others stay in their file and are not counted. */
export const isAbout = (
  { range, options }: { readonly range: ImageRange; readonly options: Radii },
  row: Ball & { readonly index: number },
): boolean =>
  isIn(range, row) &&
  ballsOf(options)
    .flat()
    .some((ball) => isSame(ball, row));

/** Whether a stored row is about an image of this range. */
export const isIn = ({ from, to }: ImageRange, { index }: { readonly index: number }): boolean =>
  index >= from && index < to;

type Radii = Pick<AuditOptions, "norms" | "epsilonLinf" | "epsilonL2" | "epsilonL1">;

/** The radii of each norm of an audit that has proofs, ascending, each once. */
export function ballsOf({ norms, epsilonLinf, epsilonL2, epsilonL1 }: Radii): Ball[][] {
  const radii = { linf: epsilonLinf, l2: epsilonL2, l1: epsilonL1 };
  return searchedNorms({ norms }).map((norm) =>
    [...new Set(radii[norm])].sort((a, b) => a - b).map((epsilon) => ({ norm, epsilon })),
  );
}
