import { z } from "zod";
import { ce } from "../losses/ce.ts";
import { marginsOf } from "../losses/margin.ts";
import { fold, type Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import { defineAttack } from "./define-attack.ts";
import { distances, rowOf } from "./examples.ts";
import { beginAll, type Image, judge, judgePoints, labelsOf, pointsOf } from "./nearest.ts";
import { checkGradient } from "./preconditions.ts";
import type { Labels, Minimized, Victim } from "./victim.ts";

const DdnOptions = z.strictObject({
  steps: z.int().positive().default(100).describe("gradient steps of DDN"),
  initialNorm: z
    .number()
    .positive()
    .default(1)
    .describe("ℓ2 norm of the first perturbation, for pixels in [0, 1]"),
  gamma: z.number().positive().lt(1).default(0.05).describe("share by which the norm changes"),
});
type Options = z.output<typeof DdnOptions>;

/** One image and its perturbation; `norm` is the radius of the sphere that the perturbation is scaled to. */
interface Search {
  readonly image: Image;
  readonly delta: Float64Array;
  point: Float32Array;
  norm: number;
  /** The distance of the farthest corner of the box. */
  readonly farthest: number;
}

/**
 * Decoupled direction and norm (Rony et al. 2019, arXiv:1811.09600, Alg. 1), untargeted: steps along the cross-entropy's
 * gradient, with lengths from 1 to 0.01 on a cosine schedule. Each point is scaled to a sphere whose radius shrinks by γ if
 * the point is adversarial and grows by γ if not. Unlike the publication, steps do not round pixels to 8 bits; evaluations
 * report the accuracy after rounding.
 */
export const ddn = defineAttack({
  kind: "minimum-norm",
  name: "ddn",
  norms: ["l2"],
  summary: "decoupled direction and norm",
  source: "Rony et al. 2019, arXiv:1811.09600",
  options: DdnOptions,
  sharedOptions: { initialNorm: null, gamma: null },
  make: (options) => ({
    minimize: (victim, x, labels, keys) => minimize(options, victim, x, labels, keys),
  }),
});

async function minimize(
  { steps, initialNorm, gamma }: Options,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Minimized> {
  const { images, result } = await beginAll(victim, x, labels, keys);
  const running = images
    .filter(({ distance }) => distance > 0)
    .map((image): Search => {
      const corner = image.x.map((v) => (v < 0.5 ? 1 : 0));
      const farthest = distances.l2(image.x, corner);
      const delta = new Float64Array(image.x.length);
      return { image, delta, point: image.x, norm: initialNorm, farthest };
    });
  if (running.length === 0) return result();
  const own = labelsOf(running);
  const keysAt = (visit: number) => running.map(({ image }) => fold(image.key, visit));
  for (let step = 0; step < steps; step++) {
    const length = 0.01 + 0.495 * (1 + Math.cos((Math.PI * step) / steps));
    const { logits, gradient } = await victim.lossAndGradient(
      pointsOf(running, x.shape),
      ce(own),
      keysAt(step + 1),
    );
    checkGradient(gradient);
    const margins = marginsOf(logits, own);
    running.forEach((search, i) => {
      const isAdversarial = judge(search.image, search.point, margins[i], "l2");
      search.norm = Math.min(search.norm * (1 + (isAdversarial ? -gamma : gamma)), search.farthest);
      move(search, rowOf(gradient, i), length);
    });
  }
  await judgePoints(victim, running, x.shape, keysAt(steps + 1), "l2");
  return result();
}

/** A step along the gradient, scaled to the sphere and clipped to the box. */
function move(search: Search, gradient: Float32Array, length: number): void {
  const { delta, norm, image } = search;
  const zero = new Float32Array(gradient.length);
  const slope = distances.l2(gradient, zero);
  if (slope > 0) for (let i = 0; i < delta.length; i++) delta[i] += (length * gradient[i]) / slope;
  const size = distances.l2(delta, zero);
  const share = size > 0 ? norm / size : 0;
  const point = new Float32Array(delta.length);
  for (let i = 0; i < delta.length; i++) {
    point[i] = Math.min(Math.max(image.x[i] + share * delta[i], 0), 1);
    delta[i] = point[i] - image.x[i];
  }
  search.point = point;
}
