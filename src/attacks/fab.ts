import { z } from "zod";
import { difference } from "../losses/difference.ts";
import { marginsOf } from "../losses/margin.ts";
import { fold, type Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";
import { defineAttack } from "./define-attack.ts";
import { distances, gather, rivals, rowOf } from "./examples.ts";
import { hyperplaneProjections } from "./hyperplane.ts";
import { beginAll, type Image, judge, judgePoints, labelsOf, pointsOf } from "./nearest.ts";
import { checkGradient } from "./preconditions.ts";
import type { Labels, Minimized, Norm, Victim } from "./victim.ts";

/** Steps towards each target, of FAB-T and of AutoAttack's member. */
export const FabSteps = z
  .int()
  .positive()
  .default(100)
  .describe("steps of FAB towards each of 9 classes");

const FabOptions = z.strictObject({
  steps: FabSteps,
  targets: z
    .int()
    .positive()
    .default(9)
    .describe("number of target classes, the likeliest wrong ones first"),
  enough: z
    .number()
    .positive()
    .optional()
    .describe("distance in the norm, for pixels in [0, 1], at which the search for an image ends"),
});
type Options = z.output<typeof FabOptions> & { readonly norm: Norm };

/** η, the extrapolation; the largest α, the weight of the step from x; and β, the share that a backward step keeps. */
const [EXTRAPOLATION, ALPHA_MAX, BACKWARD] = [1.05, 0.1, 0.9];
/** Points that the final search tries between x and the closest adversarial one. */
const FINAL_STEPS = 3;

/** The search for one image and one target; `point` is [pixels]. */
interface Walk {
  readonly image: Image;
  readonly target: number;
  point: Float32Array;
}

/**
 * Fast adaptive boundary attack, targeted (Croce & Hein 2020, arXiv:1907.02044, Alg. 1, and arXiv:2003.01690, §4), without
 * random starts. Each step projects onto the linearised boundary between label and target and goes slightly beyond it, with
 * a bias towards the boundary's point closest to x. An adversarial point moves a tenth of the way back to x. A final search
 * moves the closest point found towards x, to the interpolated zero of the margin.
 */
export const fab = defineAttack({
  kind: "minimum-norm",
  name: "fab-t",
  norms: ["linf", "l2", "l1"],
  summary: "targeted FAB: projections onto the linearised boundary, within the box, for 9 classes",
  source: "Croce & Hein 2020, arXiv:1907.02044",
  options: FabOptions,
  sharedOptions: { steps: "fabSteps", targets: null, enough: null },
  make: (options) => ({
    minimize: (victim, x, labels, keys) => minimize(options, victim, x, labels, keys),
  }),
});

async function minimize(
  { norm, steps, targets, enough = 0 }: Options,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Minimized> {
  const { images, result } = await beginAll(victim, x, labels, keys);
  const attacked = images.filter(({ distance }) => distance > 0);
  const aims = Math.min(targets, (images[0]?.logits.length ?? 1) - 1);
  for (let aim = 0; aim < aims; aim++) {
    let running = attacked.flatMap((image): Walk[] => {
      const target = rivals(image.logits, image.label, aims).at(aim);
      return target === undefined ? [] : [{ image, target, point: image.x }];
    });
    for (let step = 1; step <= steps; step++) {
      running = running.filter(({ image }) => image.distance > enough);
      if (running.length === 0) break;
      await walk(victim, running, x.shape, norm, [aim + 1, step]);
    }
  }
  const found = attacked.filter(({ distance }) => distance > enough && distance < Infinity);
  await shorten(victim, found, x.shape, norm, aims + 1);
  return result();
}

/** One step of every search, which judges the new points; `shape` is [any, ...pixels]. */
async function walk(
  victim: Victim,
  running: readonly Walk[],
  shape: Shape,
  norm: Norm,
  [stage, step]: readonly [number, number],
): Promise<void> {
  const keysAt = (visit: number) => running.map(({ image }) => fold(fold(image.key, stage), visit));
  const targets = running.map(({ target }) => target);
  const loss = difference(labelsOf(running), targets);
  const here = pointsOf(running, shape);
  const { losses, gradient } = await victim.lossAndGradient(here, loss, keysAt(2 * step));
  checkGradient(gradient);
  running.forEach((one, i) => {
    one.point = stepped(one.image.x, one.point, rowOf(gradient, i), losses[i], norm);
  });
  const isBroken = await judgePoints(victim, running, shape, keysAt(2 * step + 1), norm);
  running.forEach((one, i) => {
    if (isBroken[i]) one.point = between(one.image.x, one.point, BACKWARD);
  });
}

/** x + share · (point − x). */
const between = (x: Float32Array, point: Float32Array, share: number): Float32Array => {
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = x[i] + share * (point[i] - x[i]);
  return out;
};

/** clip((1 − α)(x_k + η d(x_k)) + α(x + η d(x))), d the way to the hyperplane ⟨w, z − x_k⟩ = −f. */
function stepped(
  x: Float32Array,
  point: Float32Array,
  w: Float32Array,
  f: number,
  norm: Norm,
): Float32Array {
  let inner = 0;
  for (let i = 0; i < w.length; i++) inner += w[i] * (point[i] - x[i]);
  const here = hyperplaneProjections[norm](point, w, -f);
  const there = hyperplaneProjections[norm](x, w, inner - f);
  const zero = new Float32Array(w.length);
  const [near, far] = [here, there].map((d) => Math.max(distances[norm](d, zero), 1e-8));
  const alpha = Math.min(near / (near + far), ALPHA_MAX);
  const out = new Float32Array(w.length);
  for (let i = 0; i < out.length; i++) {
    const own = point[i] + EXTRAPOLATION * here[i];
    const drawn = x[i] + EXTRAPOLATION * there[i];
    out[i] = Math.min(Math.max((1 - alpha) * own + alpha * drawn, 0), 1);
  }
  return out;
}

/** Regula falsi on the margin, on the line from x to the closest point found. */
async function shorten(
  victim: Victim,
  found: readonly Image[],
  shape: Shape,
  norm: Norm,
  stage: number,
): Promise<void> {
  if (found.length === 0) return;
  const ways = found.map(({ nearest, cleanMargin, margin }) => {
    const [low, high] = [
      { at: 0, margin: cleanMargin },
      { at: 1, margin },
    ];
    return { end: nearest.slice(), low, high };
  });
  for (let step = 1; step <= FINAL_STEPS; step++) {
    const tried = ways.map(({ low, high }) => {
      const share = -low.margin / (high.margin - low.margin);
      return low.at + share * (high.at - low.at);
    });
    const points = found.map(({ x }, i) => between(x, ways[i].end, tried[i]));
    const margins = marginsOf(
      await victim.logits(
        gather(points, shape),
        found.map(({ key }) => fold(fold(key, stage), step)),
      ),
      found.map(({ label }) => label),
    );
    found.forEach((image, i) => {
      const place = { at: tried[i], margin: margins[i] };
      if (judge(image, points[i], margins[i], norm)) ways[i].high = place;
      else ways[i].low = place;
    });
  }
}
