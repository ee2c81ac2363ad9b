import { balls } from "../attacks/balls.ts";
import type { Labels, Norm, Victim } from "../attacks/victim.ts";
import { ce } from "../losses/ce.ts";
import { probabilitiesOf } from "../losses/divergence.ts";
import { fold, foldAll, type Key } from "../math/random.ts";
import { add, clamp, rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { defineDefense } from "./define-defense.ts";
import { sameNames } from "./inner-ascent.ts";
import { normsOf, radiusOf, SeveralNorms } from "./several-norms.ts";

/** The sum of all steps, in radii: 50 steps of ε/10 in the paper. */
const PATH = 5;

/** An ℓ1 step moves 5 to 20 pixels, as many as a key says. */
const pixelsMoved = (key: Key): number => 5 + (fold(key, 0)[0] % 16);

/** For each row of the gradient, ±1/k at its k largest entries: the steepest ascent in ℓ1, spread over k pixels (§4.2). */
function sparseDirection(gradient: Tensor, keys: readonly Key[]): Tensor {
  const [size, out] = [rowSize(gradient), tensor(gradient.shape)];
  for (const [i, key] of keys.entries()) {
    const row = gradient.data.subarray(i * size, (i + 1) * size);
    const k = Math.min(pixelsMoved(key), size);
    const least = row.map(Math.abs).sort()[size - k];
    row.forEach((slope, j) => {
      if (Math.abs(slope) >= least) out.data[i * size + j] = Math.sign(slope) / k;
    });
  }
  return out;
}

/** The point after a step of `length` from `at` in the ball of this norm around x. All arrays are [batch, ...pixels]. */
function stepIn(
  norm: Norm,
  { at, gradient, x, keys }: Step,
  length: number,
  epsilon: number,
): Tensor {
  const ball = balls[norm];
  if (norm !== "l1") return ball.ascend(at, gradient, length, x, epsilon);
  const direction = sparseDirection(gradient, keys);
  const moved = at.data.map((pixel, i) => pixel + length * direction.data[i] - x.data[i]);
  const delta = ball.project(tensor(x.shape, moved), epsilon);
  return clamp(add(x, delta), 0, 1);
}

/** Where a step starts: the point and the gradient there, the clean images, and the keys of the step. */
interface Step {
  readonly at: Tensor;
  readonly gradient: Tensor;
  readonly x: Tensor;
  readonly keys: readonly Key[];
}

/** The probability of the label of each example, [batch]. */
async function confidences(
  model: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<readonly number[]> {
  const { data, shape } = probabilitiesOf(await model.logits(x, keys));
  return labels.map((label, i) => data[i * shape[1] + label]);
}

/** For each example the candidate [batch, ...pixels] that leaves its label the least probability, the first one on a tie. */
function mostHarmful(
  candidates: readonly Tensor[],
  confidence: readonly (readonly number[])[],
): Tensor {
  const [first] = candidates;
  const [size, out] = [rowSize(first), tensor(first.shape)];
  for (let i = 0; i < first.shape[0]; i++) {
    const own = confidence.map((of) => of[i]);
    const { data } = candidates[own.indexOf(Math.min(...own))];
    out.data.set(data.subarray(i * size, (i + 1) * size), i * size);
  }
  return out;
}

/**
 * Multi steepest descent (Maini et al. 2020, arXiv:1909.04068, Alg. 1) on batches [batch, ...pixels] in [0, 1]: each
 * step tries the steepest ascent of every norm from the same point, and continues from the one of highest loss, per
 * example.
 */
export const msd = defineDefense({
  name: "msd",
  source: "Maini et al. 2020, arXiv:1909.04068, Alg. 1",
  options: SeveralNorms,
  sharedOptions: sameNames(SeveralNorms),
  make(options) {
    const [norms, radius, steps] = [normsOf(options), radiusOf(options), options.steps];
    return {
      objective: {
        name: `msd ${norms.join(",")}`,
        oneStep: steps === 1,
        async examples(model, x, labels, keys) {
          let at = x;
          for (let step = 1; step <= steps; step++) {
            const own = foldAll(keys, step);
            const { gradient } = await model.lossAndGradient(at, ce(labels), foldAll(own, 0));
            const place = { at, gradient, x, keys: foldAll(own, 1) };
            const candidates = norms.map((norm) =>
              stepIn(norm, place, (PATH * radius[norm]) / steps, radius[norm]),
            );
            const confidence: (readonly number[])[] = [];
            for (const candidate of candidates)
              confidence.push(await confidences(model, candidate, labels, foldAll(own, 2)));
            at = mostHarmful(candidates, confidence);
          }
          return at;
        },
      },
    };
  },
});
