import { z } from "zod";
import { margin, marginsOf } from "../losses/margin.ts";
import { fold, type Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import { geometries } from "./apgd-geometry.ts";
import { defineAttack } from "./define-attack.ts";
import { distances, rowOf } from "./examples.ts";
import { projectL1Box } from "./l1.ts";
import { projectL2Box } from "./l2.ts";
import { beginAll, type Image, judge, judgePoints, labelsOf, pointsOf } from "./nearest.ts";
import { checkGradient } from "./preconditions.ts";
import type { Labels, Minimized, Norm, Victim } from "./victim.ts";

const FmnOptions = z.strictObject({
  steps: z.int().positive().default(100).describe("gradient steps of FMN"),
  stepSize: z
    .number()
    .positive()
    .default(1)
    .describe("ℓ2 length of the first step, for pixels in [0, 1]; the last is a hundredth of it"),
  gamma: z
    .number()
    .positive()
    .lt(1)
    .default(0.05)
    .describe("share by which the radius changes in the first step"),
});
type Options = z.output<typeof FmnOptions> & { readonly norm: Norm };

/** The share by which the radius changes in the last step. */
const GAMMA_LAST = 0.001;

/** Factor on the estimated distance: with an exact estimate the point would lie on the boundary, and not be adversarial. */
const BEYOND = 1 + 1e-4;

/** The dual norm of a gradient: the largest change of the margin per unit of perturbation. */
const dual = { linf: distances.l1, l2: distances.l2, l1: distances.linf } as const;

/**
 * Projects onto the intersection of ball and box. Scaling first and then clipping would shorten steps at the edge of
 * the box.
 */
const land = { linf: geometries.linf.land, l2: projectL2Box, l1: projectL1Box } as const;

/** The search for one image: its point [pixels], and the radius of the ball that the point is projected into. */
interface Search {
  readonly image: Image;
  point: Float32Array;
  radius: number;
}

/**
 * Fast minimum-norm attack (Pintor et al. 2021, arXiv:2102.12827, Alg. 1), untargeted: ascent of the margin in a ball whose
 * radius is the estimated distance to the boundary until an adversarial point is found, then shrinks where the point is
 * adversarial and grows where it is not, both by less and less.
 */
export const fmn = defineAttack({
  kind: "minimum-norm",
  name: "fmn",
  norms: ["linf", "l2", "l1"],
  summary: "fast minimum-norm attack",
  source: "Pintor et al. 2021, arXiv:2102.12827",
  options: FmnOptions,
  sharedOptions: { stepSize: null, gamma: null },
  make: (options) => ({
    minimize: (victim, x, labels, keys) => minimize(options, victim, x, labels, keys),
  }),
});

async function minimize(
  { norm, steps, stepSize, gamma }: Options,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Minimized> {
  const { images, result } = await beginAll(victim, x, labels, keys);
  const running = images
    .filter(({ distance }) => distance > 0)
    .map((image): Search => ({ image, point: image.x, radius: Number.POSITIVE_INFINITY }));
  if (running.length === 0) return result();
  const own = labelsOf(running);
  const keysAt = (visit: number) => running.map(({ image }) => fold(image.key, visit));
  for (let step = 0; step < steps; step++) {
    const fall = (1 + Math.cos((Math.PI * step) / steps)) / 2;
    const length = stepSize * (0.01 + 0.99 * fall);
    const share = GAMMA_LAST + (gamma - GAMMA_LAST) * fall;
    const { logits, gradient } = await victim.lossAndGradient(
      pointsOf(running, x.shape),
      margin(own),
      keysAt(step + 1),
    );
    checkGradient(gradient);
    const margins = marginsOf(logits, own);
    running.forEach((search, i) => {
      const slope = rowOf(gradient, i);
      const isAdversarial = judge(search.image, search.point, margins[i], norm);
      search.radius = radiusAfter(search, isAdversarial, margins[i], slope, norm, share);
      ascend(search, slope, length, norm);
    });
  }
  await judgePoints(victim, running, x.shape, keysAt(steps + 1), norm);
  return result();
}

/** The radius of the next ball. */
function radiusAfter(
  { image, point, radius }: Search,
  isAdversarial: boolean,
  margin: number,
  gradient: Float32Array,
  norm: Norm,
  share: number,
): number {
  if (isAdversarial) return Math.min(radius * (1 - share), image.distance);
  if (image.distance < Number.POSITIVE_INFINITY) return radius * (1 + share);
  const slope = dual[norm](gradient, new Float32Array(gradient.length));
  // A zero gradient gives no estimate and no step.
  const estimate = distances[norm](point, image.x) + (slope > 0 ? Math.abs(margin) / slope : 0);
  return estimate * BEYOND;
}

/** A step of this ℓ2 length along the gradient, projected onto the ball and the box. */
function ascend(search: Search, gradient: Float32Array, length: number, norm: Norm): void {
  const { image, point, radius } = search;
  const slope = distances.l2(gradient, new Float32Array(gradient.length));
  const next = new Float64Array(point);
  if (slope > 0) for (let i = 0; i < next.length; i++) next[i] += (length * gradient[i]) / slope;
  land[norm](next, image.x, radius);
  search.point = new Float32Array(next);
}
