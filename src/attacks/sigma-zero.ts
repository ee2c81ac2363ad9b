import { z } from "zod";
import { margin, marginsOf } from "../losses/margin.ts";
import { fold, type Key } from "../math/random.ts";
import { rowSize, type Tensor } from "../math/tensor.ts";
import { defineAttack } from "./define-attack.ts";
import { rowOf } from "./examples.ts";
import { positionsOf } from "./frame.ts";
import { beginAll, type Image, keepCloser, labelsOf, pointsOf } from "./nearest.ts";
import { checkGradient } from "./preconditions.ts";
import type { Labels, Minimized, Victim } from "./victim.ts";

const SigmaZeroOptions = z.strictObject({
  steps: z.int().positive().default(1000).describe("gradient steps of σ-zero"),
  stepSize: z
    .number()
    .positive()
    .default(1)
    .describe(
      "largest change by the first step, for pixels in [0, 1]; the last step is a tenth of it",
    ),
  sigma: z
    .number()
    .positive()
    .default(1e-3)
    .describe("smoothing of the count: a change δ, for pixels in [0, 1], counts as δ² / (δ² + σ)"),
  threshold: z
    .number()
    .positive()
    .lt(1)
    .default(0.3)
    .describe("size below which a change is undone at first, for pixels in [0, 1]"),
  thresholdStep: z
    .number()
    .positive()
    .default(0.01)
    .describe("change of the threshold per step, as a share of the step size"),
  unit: z
    .enum(["pixels", "entries"])
    .default("pixels")
    .describe("unit of the count: pixels with all their channels, or single numbers as published"),
});
type Options = z.output<typeof SigmaZeroOptions>;

/** The search for one image; `point` is [pixels]. */
interface Search {
  readonly image: Image;
  readonly point: Float32Array;
  /** Changes smaller than this are undone. */
  threshold: number;
}

/**
 * σ-zero (Cinà et al. 2025, arXiv:2402.01879, Alg. 1), untargeted: gradient steps on the margin, until it is positive, and
 * on a smooth count of the changes. Step lengths follow a cosine schedule. Each step undoes the changes below a threshold, which grows
 * if the point is adversarial and falls if not. The publication counts the numbers of an image. `unit: "pixels"`, an
 * addition of Rampart, counts positions: the smooth count and the threshold use the ℓ2 norm of a change over the channels.
 * Both units are the same for grey images.
 */
export const sigmaZero = defineAttack({
  kind: "minimum-norm",
  name: "sigma-zero",
  norms: ["l0"],
  summary: "σ-zero: gradient steps on the margin and a smooth count of changed pixels",
  source: "Cinà et al. 2025, arXiv:2402.01879",
  options: SigmaZeroOptions,
  sharedOptions: { stepSize: null, sigma: null, threshold: null, thresholdStep: null, unit: null },
  make: (options) => ({
    minimize: (victim, x, labels, keys) => minimize(options, victim, x, labels, keys),
  }),
});

async function minimize(
  options: Options,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Minimized> {
  const { steps, stepSize, threshold, thresholdStep, unit } = options;
  const { images, result } = await beginAll(victim, x, labels, keys);
  const positions = unit === "entries" ? rowSize(x) : positionsOf(x.shape.slice(1));
  const descent = new Descent(positions, options.sigma);
  let running = images
    .filter(({ distance }) => distance > 0)
    .map((image): Search => ({ image, point: image.x.slice(), threshold }));
  let length = 0;
  for (let step = 0; step <= steps && running.length > 0; step++) {
    const own = labelsOf(running);
    const points = pointsOf(running, x.shape);
    const stepKeys = running.map(({ image }) => fold(image.key, step + 1));
    const answer =
      step < steps
        ? await victim.lossAndGradient(points, margin(own), stepKeys)
        : { logits: await victim.logits(points, stepKeys), gradient: null };
    const margins = marginsOf(answer.logits, own);
    for (const [i, search] of running.entries()) {
      const { image, point } = search;
      const isAdversarial = margins[i] > 0;
      if (isAdversarial) keepCloser(image, point, margins[i], descent.count(search));
      const move = thresholdStep * length * (isAdversarial ? 1 : -1);
      search.threshold = Math.min(Math.max(search.threshold + move, 0), 1);
    }
    if (answer.gradient === null) break;
    checkGradient(answer.gradient);
    length = stepSize * (0.1 + 0.45 * (1 + Math.cos((Math.PI * step) / steps)));
    for (const [i, search] of running.entries())
      descent.move(search, margins[i] > 0 ? null : rowOf(answer.gradient, i), length);
    // No perturbation has a count below 1.
    running = running.filter(({ image }) => image.distance > 1);
  }
  return result();
}

/** Steps and counts of one call. Number `i` of an image belongs to group `i % groups`: a pixel, or itself. */
class Descent {
  private readonly groups: number;
  private readonly sigma: number;

  constructor(groups: number, sigma: number) {
    this.groups = groups;
    this.sigma = sigma;
  }

  /** The number of groups in which the point differs from x. */
  count({ image: { x }, point }: Search): number {
    const changed = new Uint8Array(this.groups);
    for (let i = 0; i < x.length; i++) if (point[i] !== x[i]) changed[i % this.groups] = 1;
    return changed.reduce((sum, one) => sum + one, 0);
  }

  /** The squared size of each group's change. */
  private squares({ image: { x }, point }: Search): Float64Array {
    const squares = new Float64Array(this.groups);
    for (let i = 0; i < x.length; i++) squares[i % this.groups] += (point[i] - x[i]) ** 2;
    return squares;
  }

  /**
   * A descent step whose largest entry has this length, clipped to [0, 1]. Then changes below the threshold are undone.
   * `uphill` is the gradient of the margin [pixels], null where the margin is not part of the loss.
   */
  move(search: Search, uphill: Float32Array | null, length: number): void {
    const { image, point, threshold } = search;
    const { x } = image;
    const { groups, sigma } = this;
    const before = this.squares(search);
    const slopes = new Float64Array(x.length);
    let steepest = 0;
    for (let i = 0; i < x.length; i++) {
      const smoothed = before[i % groups] + sigma;
      const counting = (2 * sigma * (point[i] - x[i])) / (smoothed * smoothed * groups);
      slopes[i] = counting - (uphill === null ? 0 : uphill[i]);
      steepest = Math.max(steepest, Math.abs(slopes[i]));
    }
    if (steepest > 0)
      for (let i = 0; i < x.length; i++)
        point[i] = Math.min(Math.max(point[i] - (length * slopes[i]) / steepest, 0), 1);
    const after = this.squares(search);
    for (let i = 0; i < x.length; i++)
      if (after[i % groups] < threshold * threshold) point[i] = x[i];
  }
}
