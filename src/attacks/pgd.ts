import { z } from "zod";
import { ce } from "../losses/ce.ts";
import { difference } from "../losses/difference.ts";
import { marginsOf } from "../losses/margin.ts";
import type { RowLoss } from "../losses/table.ts";
import { foldAll, type Key } from "../math/random.ts";
import { add, clamp, rowSize, type Tensor, takeRows } from "../math/tensor.ts";
import { type Ascent, ascend } from "./ascent.ts";
import { balls } from "./balls.ts";
import { putRows, rivals, rowOf } from "./examples.ts";
import { inPaperBall, resolve, StopWhenBroken } from "./options.ts";
import { checkEpsilon, checkInputs, checkLabels } from "./preconditions.ts";
import type { BoundedAttack, Labels, PaperNorm, Victim } from "./victim.ts";

export const PgdOptions = inPaperBall({
  steps: z.int().positive().default(20).describe("gradient steps"),
  stepSize: z.number().positive().optional().describe("by default ε / 5, the authors' setting"),
  randomStart: z.boolean().default(true).describe("start from a random point of the ball"),
  restarts: z.int().positive().default(1).describe("starts, of which the highest loss is kept"),
  stopWhenBroken: StopWhenBroken,
});

export const PgdTargetedOptions = inPaperBall({
  steps: z.int().positive().default(100).describe("gradient steps of each start"),
  stepSize: z.number().positive().optional().describe("at first; by default ε / 2"),
  decay: z.number().positive().max(1).default(0.98).describe("factor of the length per step"),
  momentum: z.number().min(0).lt(1).default(0.9).describe("what a step keeps of its direction"),
  randomStart: z.boolean().default(true).describe("start from a random point of the ball"),
  restarts: z.int().positive().default(5).describe("starts towards each target"),
  targets: z
    .int()
    .positive()
    .default(9)
    .describe("wrong classes to aim at, the likeliest on the clean image first"),
  stopWhenBroken: StopWhenBroken,
});

/** A batch of examples, and for each the wrong classes that are aimed at. */
interface Part {
  readonly x: Tensor;
  readonly labels: Labels;
  readonly keys: readonly Key[];
  readonly targets: readonly (readonly number[])[];
}

/** Several ascents of each example, of which the most damaging end is kept. */
interface Ascents {
  readonly ascent: Ascent;
  readonly randomStart: boolean;
  readonly restarts: number;
  /** Classes to aim at, each from every start; null where the loss has no target. */
  readonly targets: number | null;
  /** What is climbed, towards the target of this place in the order of targets. */
  loss(part: Part, place: number): RowLoss;
  /** How damaging each end is, under keys that all ends of an example share. */
  judge(victim: Victim, reached: Tensor, part: Part): Promise<Judgement>;
}

interface Judgement {
  /** Per example; the highest is kept. */
  readonly damage: Float32Array;
  /** Positive: misclassified. */
  readonly margins: Float32Array;
}

/** Projected gradient descent (Madry et al. 2018, arXiv:1706.06083); where each ascent ends is its candidate. */
export function pgd(options: z.input<typeof PgdOptions>): BoundedAttack {
  const resolved = resolve(PgdOptions, options);
  const { norm, epsilon, steps, stepSize = epsilon / 5, randomStart, restarts } = resolved;
  const { stopWhenBroken } = resolved;
  const shared = { norm, epsilon, steps, stopWhenBroken };
  return {
    name: `pgd-${norm}`,
    norm,
    epsilon,
    asks: "cross-entropy",
    options: { ...shared, stepSize, randomStart, restarts },
    perturb: ascents(norm, {
      ascent: { ...shared, length: () => stepSize, momentum: 0 },
      targets: null,
      randomStart,
      restarts,
      loss: ({ labels }) => ce(labels),
      async judge(victim, reached, { labels, keys }) {
        const { losses, logits } = await victim.lossAndGradient(reached, ce(labels), keys);
        return { damage: losses, margins: marginsOf(logits, labels) };
      },
    }),
  };
}

/**
 * Multi-targeted projected gradient descent (Gowal et al. 2019, arXiv:1910.09338): climbs z_target − z_label towards one
 * wrong class after another. A step follows the average of all gradients so far, of which each weighs `momentum` of the
 * one after it, and step t has length stepSize · decay^(t−1) / (1 − momentum^t), as an Adam of signs would have it:
 * by default the first steps lead to corners of the ball, the last ones are ε/15.
 */
export function pgdTargeted(options: z.input<typeof PgdTargetedOptions>): BoundedAttack {
  const resolved = resolve(PgdTargetedOptions, options);
  const { norm, epsilon, steps, stepSize = epsilon / 2, decay, momentum, ...rest } = resolved;
  const { randomStart, restarts, targets, stopWhenBroken } = rest;
  const length = (step: number) => (stepSize * decay ** (step - 1)) / (1 - momentum ** step);
  return {
    name: `pgd-t-${norm}`,
    norm,
    epsilon,
    asks: "losses",
    options: { ...resolved, stepSize },
    perturb: ascents(norm, {
      ascent: { norm, epsilon, steps, length, momentum, stopWhenBroken },
      randomStart,
      restarts,
      targets,
      loss: (part, place) =>
        difference(
          part.labels,
          part.targets.map((aims) => aims[place]),
        ),
      async judge(victim, reached, { labels, keys }) {
        const margins = marginsOf(await victim.logits(reached, keys), labels);
        return { damage: margins, margins };
      },
    }),
  };
}

/** Runs the ascents one after the other, each on the examples that are not broken yet. */
function ascents(
  norm: PaperNorm,
  { ascent, randomStart, restarts, targets, loss, judge }: Ascents,
): BoundedAttack["perturb"] {
  const { epsilon, stopWhenBroken } = ascent;
  const start = ({ x }: Part, keys: readonly Key[]) =>
    randomStart ? clamp(add(x, balls[norm].sample(keys, x.shape, epsilon)), 0, 1) : x;
  return async (victim, x, labels, keys) => {
    checkInputs(x, labels, keys);
    checkEpsilon(norm, epsilon, rowSize(x));
    const aims = await aimsOf(victim, { x, labels, keys }, targets);
    const places = targets === null ? 1 : Math.max(1, ...aims.map((own) => own.length));
    let adversarial = x;
    let unbroken = labels.map((_, i) => i);
    const highest = labels.map(() => Number.NEGATIVE_INFINITY);
    for (let run = 0; run < restarts * places && unbroken.length > 0; run++) {
      const standing = unbroken.filter((i) => targets === null || run % places < aims[i].length);
      if (standing.length === 0) continue;
      const take = <T>(all: readonly T[]) => standing.map((i) => all[i]);
      const own = take(keys);
      const part = { x: takeRows(x, standing), labels: take(labels), targets: take(aims) };
      // fold(key, 0) is the judge's.
      const climbing = { ...part, keys: foldAll(own, run + 1) };
      const climb = { ...climbing, loss: loss(climbing, run % places) };
      const from = start(climbing, foldAll(climbing.keys, 0));
      const reached = await ascend(ascent, victim, climb, from);
      if (run === 0) adversarial = reached; // of all examples: each has a first aim
      if (restarts * places === 1) break;
      // The same noise judges every candidate.
      const judging = { ...part, keys: foldAll(own, 0) };
      const { damage, margins } = await judge(victim, reached, judging);
      const broken = part.labels.map((_, i) => stopWhenBroken && margins[i] > 0);
      const better = standing.flatMap((place, i) =>
        broken[i] || damage[i] > highest[place] ? [i] : [],
      );
      for (const i of better) highest[standing[i]] = damage[i];
      putRows(
        adversarial,
        takeRows(reached, better),
        better.map((i) => standing[i]),
      );
      const gone = new Set(standing.filter((_, i) => broken[i]));
      unbroken = unbroken.filter((place) => !gone.has(place));
    }
    return adversarial;
  };
}

/** The likeliest wrong classes of each clean example, at most `targets` of them; none where there is nothing to aim at. */
async function aimsOf(
  victim: Victim,
  { x, labels, keys }: Omit<Part, "targets">,
  targets: number | null,
): Promise<number[][]> {
  if (targets === null) return labels.map(() => []);
  const clean = await victim.logits(x, foldAll(keys, 0));
  checkLabels(labels, clean);
  return labels.map((label, i) => rivals(rowOf(clean, i), label, targets));
}
