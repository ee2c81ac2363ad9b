import { z } from "zod";
import { ce } from "../losses/ce.ts";
import { dlr } from "../losses/dlr.ts";
import { dlrTargeted } from "../losses/dlr-targeted.ts";
import { marginsOf } from "../losses/margin.ts";
import { fold, foldAll, type Key } from "../math/random.ts";
import { rowSize, type Shape, tensor } from "../math/tensor.ts";
import { geometries } from "./apgd-geometry.ts";
import { type Climb, differing, schedules, shareOf } from "./apgd-schedule.ts";
import { gather, rivals, rowOf } from "./examples.ts";
import { inBall, resolve, StopWhenBroken } from "./options.ts";
import { checkEpsilon, checkGradient, checkInputs, checkLabels } from "./preconditions.ts";
import type { BoundedAttack, Labels, Loss, Norm, Victim } from "./victim.ts";

/** What each kind of APGD climbs; `t` is the targeted DLR loss, towards one class after another. */
const losses: Readonly<Record<"ce" | "dlr" | "t", (labels: Labels, targets: Labels) => Loss>> = {
  ce: (labels) => ce(labels),
  dlr: (labels) => dlr(labels),
  t: dlrTargeted,
};
type Kind = keyof typeof losses;

export const ApgdOptions = inBall({
  loss: z.enum(["ce", "dlr", "t"]).describe("what is climbed: ce, dlr, or t, which is targeted"),
  steps: z.int().positive().default(100).describe("gradient steps of each start"),
  restarts: z
    .int()
    .positive()
    .default(1)
    .describe("random starts, towards each target if targeted"),
  targets: z
    .int()
    .positive()
    .default(9)
    .describe("t: wrong classes to aim at, the likeliest first"),
  randomStart: z.boolean().default(true).describe("start from a random point of the ball"),
  stopWhenBroken: StopWhenBroken,
});

/** The options of `apgd` as a caller gives them. */
export type ApgdSettings = z.input<typeof ApgdOptions>;

/** One example, what it has to show, and whether it is done. */
interface Example {
  readonly x: Float32Array;
  readonly label: number;
  readonly key: Key;
  /** Wrong classes in the order in which they are aimed at. */
  readonly targets: readonly number[];
  /** The most damaging point so far, a row of the result, and its margin. */
  readonly kept: Float32Array;
  margin: number;
}

/** One example on its way up, at its own target. */
interface Climber extends Climb {
  readonly example: Example;
  readonly target: number;
  readonly key: Key;
  /** Where it is. */
  margin: number;
}

/** All climbers of one stage have the same radius and steps. */
interface Stage {
  readonly epsilon: number;
  readonly steps: number;
  /** Whether its points count. */
  readonly last: boolean;
}

/** In ℓ1 the ball shrinks to its size in three stages (Croce & Hein 2021, §3.4); few steps are one stage. */
function stagesOf(norm: Norm, epsilon: number, steps: number): Stage[] {
  if (norm !== "l1" || steps < 10) return [{ epsilon, steps, last: true }];
  const wide = Math.ceil(0.3 * steps);
  return [
    { epsilon: 3 * epsilon, steps: wide, last: false },
    { epsilon: 2 * epsilon, steps: wide, last: false },
    { epsilon, steps: steps - 2 * wide, last: true },
  ];
}

/**
 * Auto-PGD: Croce & Hein 2020 (arXiv:2003.01690, Alg. 1) in ℓ∞ and ℓ2, Croce & Hein 2021 (arXiv:2103.01208) in ℓ1.
 *
 * An example that is misclassified, at the start or on its way, is done and leaves the batch. Without `stopWhenBroken` all
 * go to the end, each ascent yields its point of highest loss, and of several the one of largest margin under common keys.
 */
export function apgd(options: ApgdSettings): BoundedAttack {
  const resolved = resolve(ApgdOptions, options);
  const { norm, epsilon, loss, steps, restarts, targets, randomStart, stopWhenBroken } = resolved;
  const stages = stagesOf(norm, epsilon, steps);
  return {
    name: `apgd-${loss}-${norm}`,
    norm,
    epsilon,
    asks: loss === "ce" ? "cross-entropy" : "losses",
    options: resolved,
    async perturb(victim, x, labels, keys) {
      checkInputs(x, labels, keys);
      checkEpsilon(norm, epsilon, rowSize(x));
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
        const unbroken = examples.filter(({ margin }) => !(stopWhenBroken && margin > 0));
        if (unbroken.length === 0) break;
        const standing = unbroken.filter((example) => run % aims < example.targets.length);
        if (standing.length === 0) continue;
        // fold(key, 0) was spent on x, and fold(key, 1) is the judge's.
        let from: Float32Array[] | null = null;
        let climbers: Climber[] = [];
        for (const [number, stage] of stages.entries()) {
          climbers = standing.map((example, i) => {
            const key = fold(fold(example.key, run + 2), number);
            return begin(
              example,
              example.targets[run % aims],
              key,
              norm,
              stage,
              from?.[i] ?? (randomStart ? null : example.x),
            );
          });
          await ascend(victim, climbers, x.shape, { norm, kind: loss, stopWhenBroken }, stage);
          from = climbers.map(({ best }) => best.point);
        }
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
    },
  };
}

/** At the point `from`, or at a random one; both are brought into the stage's ball. */
function begin(
  example: Example,
  target: number,
  key: Key,
  norm: Norm,
  { epsilon }: Stage,
  from: Float32Array | null,
): Climber {
  const { x } = example;
  const { firstStep, start, land } = geometries[norm];
  const at = Float64Array.from(from ?? x);
  if (from === null) {
    const noise = start(fold(key, 0), x.length, epsilon);
    for (let i = 0; i < at.length; i++) at[i] += noise[i];
  }
  land(at, x, epsilon);
  const point = Float32Array.from(at);
  const support = differing(point, x);
  const nowhere = { point, gradient: point, loss: Number.NEGATIVE_INFINITY, margin: 0 };
  return {
    example,
    target,
    key,
    margin: 0,
    x,
    epsilon,
    point,
    previous: point,
    gradient: point,
    loss: nowhere.loss,
    best: nowhere,
    stepSize: firstStep * epsilon,
    rises: 0,
    bestBefore: nowhere.loss,
    halved: true,
    // At x itself nothing is known of how sparse a perturbation will be.
    support: support === 0 ? x.length : support,
    share: support === 0 ? 0.2 : shareOf(support, x.length),
  };
}

interface Ascent {
  readonly norm: Norm;
  readonly kind: Kind;
  readonly stopWhenBroken: boolean;
}

/** Each climber to the end of the stage, or until it breaks its example. */
async function ascend(
  victim: Victim,
  climbers: readonly Climber[],
  shape: Shape,
  { norm, kind, stopWhenBroken }: Ascent,
  { steps, epsilon, last }: Stage,
): Promise<void> {
  const schedule = schedules[norm];
  const firstStep = geometries[norm].firstStep * epsilon;
  const checkpoints = new Set(schedule.checkpoints(steps));
  let lastCheck = 0;
  let running = climbers;
  for (let step = 0; step <= steps && running.length > 0; step++) {
    if (step > 0) for (const climber of running) move(climber, norm, step === 1);
    await look(victim, running, shape, kind, step + 1);
    if (step === 0) for (const climber of running) climber.bestBefore = climber.loss;
    if (stopWhenBroken && last) running = running.filter((climber) => !ends(climber));
    if (!checkpoints.has(step)) continue;
    for (const climber of running) schedule.lookBack(climber, step - lastCheck, firstStep);
    lastCheck = step;
  }
}

/** Whether the climber has broken its example; that point is then its result, whatever its loss. */
function ends(climber: Climber): boolean {
  const { margin, point, gradient, loss } = climber;
  if (margin > 0) climber.best = { point, gradient, loss, margin };
  return margin > 0;
}

/** x_{k+1} = P(x_k + α(P(x_k + η d) − x_k) + (1 − α)(x_k − x_{k−1})), P onto ball and box; the first step has α = 1. */
function move(climber: Climber, norm: Norm, isFirst: boolean): void {
  const { x, epsilon, point, previous, gradient, share, stepSize } = climber;
  const { ascent, land } = geometries[norm];
  const next = ascent(gradient, share);
  for (let i = 0; i < next.length; i++) next[i] = point[i] + stepSize * next[i];
  land(next, x, epsilon);
  const own = isFirst ? 1 : schedules[norm].ownShare;
  if (own < 1) {
    for (let i = 0; i < next.length; i++)
      next[i] = point[i] + own * (next[i] - point[i]) + (1 - own) * (point[i] - previous[i]);
    land(next, x, epsilon);
  }
  climber.previous = point;
  climber.point = Float32Array.from(next);
}

/** Asks the victim about the points and remembers what it says, in particular about the best one. */
async function look(
  victim: Victim,
  climbers: readonly Climber[],
  shape: Shape,
  kind: Kind,
  visit: number,
): Promise<void> {
  const labels = climbers.map(({ example }) => example.label);
  const targets = climbers.map(({ target }) => target);
  const points = climbers.map(({ point }) => point);
  const answer = await victim.lossAndGradient(
    gather(points, shape),
    losses[kind](labels, targets),
    climbers.map(({ key }) => fold(key, visit)),
  );
  checkGradient(answer.gradient);
  const margins = marginsOf(answer.logits, labels);
  climbers.forEach((climber, i) => {
    const before = climber.loss;
    climber.loss = answer.losses[i];
    climber.gradient = rowOf(answer.gradient, i);
    climber.margin = margins[i];
    if (climber.loss > before && visit > 1) climber.rises++;
    const { point, gradient, loss, margin, best } = climber;
    if (loss > best.loss) climber.best = { point, gradient, loss, margin };
  });
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
