import { z } from "zod";
import { foldAll, type Key } from "../math/random.ts";
import { add, clamp, rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { ce } from "./losses.ts";
import { EpsilonL2, EpsilonLinf, resolve } from "./options.ts";
import { checkEpsilon, checkGradient, checkInputs, checkLabels } from "./preconditions.ts";
import type { BoundedAttack, Labels, Norm, Victim } from "./victim.ts";

const common = {
  steps: z.int().positive().default(20).describe("gradient steps"),
  stepSize: z.number().positive().optional().describe("by default ε / 5, the authors' setting"),
  randomStart: z.boolean().default(true).describe("start from a random point of the ball"),
  restarts: z.int().positive().default(1).describe("starts, of which the highest loss is kept"),
};

export const PgdOptions = z.discriminatedUnion("norm", [
  z.strictObject({ norm: z.literal("linf"), epsilon: EpsilonLinf, ...common }),
  z.strictObject({ norm: z.literal("l2"), epsilon: EpsilonL2, ...common }),
]);

/** Where an ascent goes: its ball around x, the number and length of its steps. */
export interface Ascent {
  readonly norm: Norm;
  readonly epsilon: number;
  readonly steps: number;
  readonly stepSize: number;
}

/** Projected gradient ascent on the cross-entropy from `start`, which is in the ball around x: Eq. (3) of the paper. */
export async function ascend(
  { norm, epsilon, steps, stepSize }: Ascent,
  victim: Victim,
  x: Tensor,
  start: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Tensor> {
  const ball = balls[norm];
  let adversarial = start;
  for (let step = 1; step <= steps; step++) {
    const { gradient, logits } = await victim.lossAndGradient(
      adversarial,
      ce(labels),
      foldAll(keys, step),
    );
    checkLabels(labels, logits);
    checkGradient(gradient);
    adversarial = ball.ascend(adversarial, gradient, stepSize, x, epsilon);
  }
  return adversarial;
}

/** Projected gradient descent (Madry et al. 2018, arXiv:1706.06083); the last point of each ascent is its candidate. */
export function pgd(options: z.input<typeof PgdOptions>): BoundedAttack {
  const resolved = resolve(PgdOptions, options);
  const { norm, epsilon, steps, stepSize = epsilon / 5, randomStart, restarts } = resolved;
  const ascent = { norm, epsilon, steps, stepSize };
  const start = (x: Tensor, keys: readonly Key[]) =>
    clamp(add(x, balls[norm].sample(keys, x.shape, epsilon)), 0, 1);
  return {
    name: `pgd-${norm}`,
    norm,
    epsilon,
    asks: "cross-entropy",
    options: { ...ascent, randomStart, restarts },
    async perturb(victim, x, labels, keys) {
      checkInputs(x, labels, keys);
      checkEpsilon(norm, epsilon, rowSize(x));
      const candidates: Tensor[] = [];
      for (let restart = 1; restart <= restarts; restart++) {
        const own = foldAll(keys, restart);
        const from = randomStart ? start(x, foldAll(own, 0)) : x;
        candidates.push(await ascend(ascent, victim, x, from, labels, own));
      }
      return mostDamaging(victim, candidates, labels, foldAll(keys, 0));
    },
  };
}

/** For each example the candidate of highest loss, the first on a tie; the same noise judges every candidate. */
export async function mostDamaging(
  victim: Victim,
  candidates: readonly Tensor[],
  labels: Labels,
  keys: readonly Key[],
): Promise<Tensor> {
  const [first, ...others] = candidates;
  if (others.length === 0) return first;
  const best = tensor(first.shape, first.data.slice());
  const highest = (await victim.lossAndGradient(first, ce(labels), keys)).losses.slice();
  const row = rowSize(first);
  for (const candidate of others) {
    const { losses } = await victim.lossAndGradient(candidate, ce(labels), keys);
    losses.forEach((loss, i) => {
      if (loss <= highest[i]) return;
      highest[i] = loss;
      best.data.set(candidate.data.subarray(i * row, (i + 1) * row), i * row);
    });
  }
  return best;
}
