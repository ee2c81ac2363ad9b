import { z } from "zod";
import { marginsOf } from "../losses/margin.ts";
import { fold, foldAll, type Key } from "../math/random.ts";
import { type Shape, type Tensor, tensor } from "../math/tensor.ts";
import {
  type ApgdLoss,
  ascend,
  begin,
  type Climber,
  type Example,
  type Stage,
  stagesOf,
} from "./apgd-ascent.ts";
import type { BallOptions } from "./attack-definition.ts";
import { defineAttack } from "./define-attack.ts";
import { gather, rivals, rowOf } from "./examples.ts";
import { RandomStart, Restarts, StopWhenBroken, startOptions } from "./options.ts";
import { checkEpsilon, checkInputs, checkLabels } from "./preconditions.ts";
import type { BoundedAttack, Labels, Norm, Victim } from "./victim.ts";

/** Gradient steps of each start, of APGD and of AutoAttack's members. */
export const ApgdSteps = z
  .int()
  .positive()
  .default(100)
  .describe("gradient steps of each start of APGD");

const ApgdOptions = z.strictObject({
  steps: ApgdSteps,
  restarts: Restarts,
  targets: z
    .int()
    .positive()
    .default(9)
    .describe("apgd-t: number of target classes, the likeliest wrong ones first"),
  randomStart: RandomStart,
  stopWhenBroken: StopWhenBroken,
});
type Options = z.output<typeof ApgdOptions> & BallOptions<Norm>;

/** The options of an Auto-PGD with its loss. */
type LossOptions = Options & { readonly loss: ApgdLoss };

/**
 * Auto-PGD on x [batch, ...pixels]: Croce & Hein 2020 (arXiv:2003.01690, Alg. 1) in ℓ∞ and ℓ2, Croce & Hein 2021
 * (arXiv:2103.01208) in ℓ1. An example leaves the batch once it is misclassified. Without `stopWhenBroken` all ascents run to
 * their end and return their point of highest loss; of several, the point of largest margin under common keys is kept.
 */
const definition = <const Name extends string>(loss: ApgdLoss, name: Name, summary: string) =>
  defineAttack({
    name,
    norms: ["linf", "l2", "l1"],
    summary,
    source: "Croce & Hein 2020, arXiv:2003.01690; ℓ1: 2021, arXiv:2103.01208",
    asks: loss === "ce" ? "cross-entropy" : "losses",
    options: ApgdOptions,
    sharedOptions: { ...startOptions, steps: "apgdSteps", targets: null },
    make: (options) => ({
      options: { ...options, loss },
      perturb: (victim, x, labels, keys) => perturb({ ...options, loss }, victim, x, labels, keys),
    }),
  });

/** Auto-PGD on the cross-entropy. */
export const apgdCe = definition("ce", "apgd-ce", "Auto-PGD on the cross-entropy");

/** Auto-PGD on the difference of logits ratio (DLR). */
export const apgdDlr = definition(
  "dlr",
  "apgd-dlr",
  "Auto-PGD on the difference of logits ratio (DLR)",
);

/** Auto-PGD on the targeted DLR loss, towards one class after another. */
export const apgdTargeted = definition(
  "t",
  "apgd-t",
  "Auto-PGD on the targeted DLR, for the 9 wrong classes that score highest on the clean image",
);

/** Auto-PGD on the margin of probabilities. */
export const apgdPm = definition(
  "pm",
  "apgd-pm",
  "Auto-PGD on the margin of probabilities (arXiv:2411.15210)",
);

const byLoss = { ce: apgdCe, dlr: apgdDlr, t: apgdTargeted, pm: apgdPm } as const;

/** Options of `apgd` as a caller gives them: a loss, a norm, a radius in that norm for pixels in [0, 1], and options of APGD. */
export type ApgdSettings = { readonly loss: ApgdLoss } & z.input<typeof ApgdOptions> &
  BallOptions<Norm>;

/** Auto-PGD with this loss (Croce & Hein 2020, arXiv:2003.01690); see `apgdCe`, `apgdDlr` and `apgdTargeted`. */
export function apgd({ loss, ...options }: ApgdSettings): BoundedAttack {
  return byLoss[loss](options);
}

async function perturb(
  options: LossOptions,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Tensor> {
  const { loss, norm, epsilon, steps, restarts, targets, stopWhenBroken } = options;
  const stages = stagesOf(norm, epsilon, steps);
  checkInputs(x, labels, keys);
  checkEpsilon(norm, epsilon, x.shape.slice(1));
  const adversarial = tensor(x.shape, x.data.slice());
  const clean = await victim.logits(x, foldAll(keys, 0));
  checkLabels(labels, clean);
  const margins = marginsOf(clean, labels);
  const aims = loss === "t" ? Math.min(targets, clean.shape[1] - 1) : 1;
  const examples = labels.map(
    (label, i): Example => ({
      x: rowOf(x, i),
      label,
      key: keys[i],
      kept: rowOf(adversarial, i),
      targets: rivals(rowOf(clean, i), label, aims),
      margin: stopWhenBroken ? margins[i] : Number.NEGATIVE_INFINITY,
    }),
  );
  const runs = restarts * aims;
  for (let run = 0; run < runs; run++) {
    const survivors = examples.filter(({ margin }) => !(stopWhenBroken && margin > 0));
    if (survivors.length === 0) break;
    const aimed = survivors.filter((example) => run % aims < example.targets.length);
    if (aimed.length === 0) continue;
    const climbers = await climb(options, stages, victim, aimed, x.shape, [run, run % aims]);
    const judged =
      stopWhenBroken || runs === 1
        ? climbers.map(({ best }) => best.margin)
        : await judge(victim, climbers, x.shape);
    climbers.forEach(({ example, best }, i) => {
      if (!(judged[i] > example.margin)) return;
      example.margin = judged[i];
      example.kept.set(best.point);
    });
  }
  return adversarial;
}

/** Run number `run` of the examples, through all stages, towards the target at `place` of each; `shape` is [any, ...pixels]. */
async function climb(
  { loss, norm, randomStart, stopWhenBroken }: LossOptions,
  stages: readonly Stage[],
  victim: Victim,
  examples: readonly Example[],
  shape: Shape,
  [run, place]: readonly [number, number],
): Promise<readonly Climber[]> {
  let climbers: readonly Climber[] = [];
  for (const [number, stage] of stages.entries()) {
    const before = climbers;
    climbers = examples.map((example, i) => {
      // fold(key, 0) was used at x, and the judge uses fold(key, 1).
      const key = fold(fold(example.key, run + 2), number);
      const from = before[i]?.best.point ?? (randomStart ? null : example.x);
      return begin(example, example.targets[place], key, norm, stage, from);
    });
    await ascend(victim, climbers, shape, { norm, loss, stopWhenBroken }, stage);
  }
  return climbers;
}

/** The margins of the best points under keys that are the same for every ascent of an example. */
const judge = async (victim: Victim, climbers: readonly Climber[], shape: Shape) =>
  marginsOf(
    await victim.logits(
      gather(
        climbers.map(({ best }) => best.point),
        shape,
      ),
      climbers.map(({ example }) => fold(example.key, 1)),
    ),
    climbers.map(({ example }) => example.label),
  );
