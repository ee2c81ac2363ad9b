import { z } from "zod";
import { foldAll, type Key } from "../math/random.ts";
import { add, clamp, rowSize, type Tensor, takeRows, tensor } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { ce, marginsOf } from "./losses.ts";
import { EpsilonL2, EpsilonLinf, resolve, StopWhenBroken } from "./options.ts";
import { checkEpsilon, checkGradient, checkInputs, checkLabels } from "./preconditions.ts";
import type { BoundedAttack, Labels, Norm, Victim } from "./victim.ts";

const common = {
  steps: z.int().positive().default(20).describe("gradient steps"),
  stepSize: z.number().positive().optional().describe("by default ε / 5, the authors' setting"),
  randomStart: z.boolean().default(true).describe("start from a random point of the ball"),
  restarts: z.int().positive().default(1).describe("starts, of which the highest loss is kept"),
  stopWhenBroken: StopWhenBroken,
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
  readonly stopWhenBroken: boolean;
}

/** A batch on which an ascent works. */
interface Climb {
  readonly x: Tensor;
  readonly labels: Labels;
  readonly keys: readonly Key[];
}

/**
 * Projected gradient ascent on the cross-entropy from `start`, which is in the ball around x: Eq. (3) of the paper. With
 * `stopWhenBroken` an example that is misclassified stays where it is, and the batch goes on without it.
 */
export async function ascend(
  { norm, epsilon, steps, stepSize, stopWhenBroken }: Ascent,
  victim: Victim,
  whole: Climb,
  start: Tensor,
): Promise<Tensor> {
  const ball = balls[norm];
  const reached = tensor(start.shape, start.data.slice());
  let places = whole.labels.map((_, i) => i);
  let { x, labels, keys } = whole;
  let at = start;
  for (let step = 1; step <= steps && places.length > 0; step++) {
    const own = foldAll(keys, step);
    let { gradient, logits } = await victim.lossAndGradient(at, ce(labels), own);
    checkLabels(labels, logits);
    checkGradient(gradient);
    const standing = stopWhenBroken ? rightOnes(logits, labels) : places.map((_, i) => i);
    if (standing.length < places.length) {
      putRows(reached, at, places);
      const take = <T>(all: readonly T[]) => standing.map((i) => all[i]);
      [places, labels, keys] = [take(places), take(labels), take(keys)];
      [x, at, gradient] = [x, at, gradient].map((all) => takeRows(all, standing));
    }
    at = ball.ascend(at, gradient, stepSize, x, epsilon);
  }
  putRows(reached, at, places);
  return reached;
}

/** The rows that are classified as their label says; a tie counts as right. */
const rightOnes = (logits: Tensor, labels: Labels): number[] =>
  [...marginsOf(logits, labels).entries()].filter(([, m]) => !(m > 0)).map(([i]) => i);

/** Writes row i of `from` to row places[i] of `to`. */
function putRows(to: Tensor, from: Tensor, places: readonly number[]): void {
  const row = rowSize(to);
  for (const [i, place] of places.entries())
    to.data.set(from.data.subarray(i * row, (i + 1) * row), place * row);
}

/** Projected gradient descent (Madry et al. 2018, arXiv:1706.06083); where each ascent ends is its candidate. */
export function pgd(options: z.input<typeof PgdOptions>): BoundedAttack {
  const resolved = resolve(PgdOptions, options);
  const { norm, epsilon, steps, stepSize = epsilon / 5, randomStart, restarts } = resolved;
  const { stopWhenBroken } = resolved;
  const ascent = { norm, epsilon, steps, stepSize, stopWhenBroken };
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
      let adversarial = x;
      let standing = labels.map((_, i) => i);
      const highest = labels.map(() => Number.NEGATIVE_INFINITY);
      for (let restart = 1; restart <= restarts && standing.length > 0; restart++) {
        const take = <T>(all: readonly T[]) => standing.map((i) => all[i]);
        const part = { x: takeRows(x, standing), labels: take(labels), keys: take(keys) };
        const own = foldAll(part.keys, restart);
        const from = randomStart ? start(part.x, foldAll(own, 0)) : part.x;
        const reached = await ascend(ascent, victim, { ...part, keys: own }, from);
        if (restart === 1) adversarial = reached;
        if (restarts === 1) break;
        // The same noise judges every candidate.
        const judging = foldAll(part.keys, 0);
        const judged = await victim.lossAndGradient(reached, ce(part.labels), judging);
        const margins = marginsOf(judged.logits, part.labels);
        const broken = part.labels.map((_, i) => stopWhenBroken && margins[i] > 0);
        const better = standing.flatMap((place, i) =>
          broken[i] || judged.losses[i] > highest[place] ? [i] : [],
        );
        for (const i of better) highest[standing[i]] = judged.losses[i];
        putRows(
          adversarial,
          takeRows(reached, better),
          better.map((i) => standing[i]),
        );
        standing = standing.filter((_, i) => !broken[i]);
      }
      return adversarial;
    },
  };
}
