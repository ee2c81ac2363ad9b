import { z } from "zod";
import { difference } from "../losses/difference.ts";
import { fold, type Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import { defineAttack } from "./define-attack.ts";
import { distances, rivals, rowOf } from "./examples.ts";
import { beginAll, type Image, judgePoints, labelsOf, pointsOf } from "./nearest.ts";
import { checkGradient } from "./preconditions.ts";
import type { Labels, Minimized, PaperNorm, Victim } from "./victim.ts";

const DeepFoolOptions = z.strictObject({
  steps: z.int().positive().default(50).describe("largest number of steps of DeepFool"),
  classes: z.int().positive().default(9).describe("wrong classes considered, the likeliest first"),
  overshoot: z
    .number()
    .nonnegative()
    .default(0.02)
    .describe("overshoot beyond the boundary, as a share of the distance"),
});
type Options = z.output<typeof DeepFoolOptions> & { readonly norm: PaperNorm };

/** One image and the sum of its steps. */
interface Search {
  readonly image: Image;
  readonly rivals: readonly number[];
  readonly total: Float64Array;
  point: Float32Array;
  /** The closest boundary of the point: its distance, and its direction of length 1. */
  closest: { readonly distance: number; readonly direction: Float64Array } | null;
}

/** The distance to ⟨w, d⟩ = f and the direction to it, of length 1 in the norm; unbounded space. */
const towards = {
  l2(w: Float32Array): readonly [slope: number, direction: Float64Array] {
    const slope = distances.l2(w, new Float32Array(w.length));
    return [slope, new Float64Array(w).map((v) => v / slope)];
  },
  linf(w: Float32Array): readonly [slope: number, direction: Float64Array] {
    return [distances.l1(w, new Float32Array(w.length)), new Float64Array(w.map(Math.sign))];
  },
} as const;

/**
 * DeepFool (Moosavi-Dezfooli et al. 2016, arXiv:1511.04599, Alg. 2 and §3.3): steps to the closest of the linearised
 * boundaries until the decision changes. The sum of steps is extended by the overshoot and clipped to the box.
 */
export const deepfool = defineAttack({
  kind: "minimum-norm",
  name: "deepfool",
  norms: ["linf", "l2"],
  summary: "steps to the closest linearised boundary",
  source: "Moosavi-Dezfooli et al. 2016, arXiv:1511.04599",
  options: DeepFoolOptions,
  sharedOptions: { classes: null, overshoot: null },
  make: (options) => ({
    minimize: (victim, x, labels, keys) => minimize(options, victim, x, labels, keys),
  }),
});

async function minimize(
  { norm, steps, classes, overshoot }: Options,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Minimized> {
  const { images, result } = await beginAll(victim, x, labels, keys);
  const aims = Math.min(classes, (images[0]?.logits.length ?? 1) - 1);
  let running = images
    .filter(({ distance }) => distance > 0)
    .map((image): Search => {
      const total = new Float64Array(image.x.length);
      const own = rivals(image.logits, image.label, aims);
      return { image, rivals: own, total, point: image.x, closest: null };
    });
  for (let step = 1; step <= steps && running.length > 0; step++) {
    const own = labelsOf(running);
    // All boundaries of a step belong to one function, so every class uses the same draws, if there are any.
    const look = running.map(({ image }) => fold(image.key, 2 * step));
    const here = pointsOf(running, x.shape);
    for (const search of running) search.closest = null;
    for (let aim = 0; aim < aims; aim++) {
      const loss = difference(
        own,
        running.map(({ rivals }) => rivals[aim % rivals.length]),
      );
      const { losses, gradient } = await victim.lossAndGradient(here, loss, look);
      checkGradient(gradient);
      running.forEach((search, i) => {
        const [slope, direction] = towards[norm](rowOf(gradient, i));
        const distance = Math.abs(losses[i]) / slope;
        if (slope > 0 && distance < (search.closest?.distance ?? Number.POSITIVE_INFINITY))
          search.closest = { distance, direction };
      });
    }
    running = running.filter(({ closest }) => closest !== null); // nowhere to go
    for (const search of running) move(search, overshoot);
    const keysAfter = running.map(({ image }) => fold(image.key, 2 * step + 1));
    const isBroken = await judgePoints(victim, running, x.shape, keysAfter, norm);
    running = running.filter((_, i) => !isBroken[i]);
  }
  return result();
}

/** Length added to each step. Otherwise points that are clipped to [0, 1] could approach the boundary and never cross it. */
const SPARE = 1e-5;

/** Adds the step to the closest boundary. The point is x plus the sum of steps, lengthened by the overshoot. */
function move(search: Search, overshoot: number): void {
  const { image, total, closest } = search;
  if (closest === null) return;
  const point = new Float32Array(total.length);
  for (let i = 0; i < total.length; i++) {
    total[i] += (closest.distance + SPARE) * closest.direction[i];
    point[i] = Math.min(Math.max(image.x[i] + (1 + overshoot) * total[i], 0), 1);
  }
  search.point = point;
}
