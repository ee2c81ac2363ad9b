// The ascents of APGD: many examples at once, one batch per step.
import { ce } from "../losses/ce.ts";
import { dlr } from "../losses/dlr.ts";
import { dlrTargeted } from "../losses/dlr-targeted.ts";
import { marginsOf } from "../losses/margin.ts";
import { probabilityMargin } from "../losses/probability-margin.ts";
import { fold, type Key } from "../math/random.ts";
import type { Shape } from "../math/tensor.ts";
import { geometries } from "./apgd-geometry.ts";
import { type Climb, differing, schedules, shareOf } from "./apgd-schedule.ts";
import { gather, rowOf } from "./examples.ts";
import { checkGradient } from "./preconditions.ts";
import type { Labels, Loss, Norm, Victim } from "./victim.ts";

/** Makes a loss from labels, targets and factors on the logits, each [batch]. */
type MakeLoss = (labels: Labels, targets: Labels, scales: readonly number[]) => Loss;

/** The loss that each kind of APGD maximises. `t` is the targeted DLR loss, `pm` the margin of probabilities. */
const losses: Readonly<Record<"ce" | "dlr" | "t" | "pm", MakeLoss>> = {
  ce: (labels) => ce(labels),
  dlr: (labels) => dlr(labels),
  t: (labels, targets) => dlrTargeted(labels, targets),
  pm: (labels, _targets, scales) => probabilityMargin(labels, scales),
};

/** The loss of an Auto-PGD: cross-entropy, DLR, targeted DLR or margin of probabilities. */
export type ApgdLoss = keyof typeof losses;

/** One example, and the most damaging point that was found for it. Arrays are [pixels]. */
export interface Example {
  readonly x: Float32Array;
  readonly label: number;
  readonly key: Key;
  /** Wrong classes, in the order in which they are targeted. */
  readonly targets: readonly number[];
  /** The most damaging point so far, a row of the result. */
  readonly kept: Float32Array;
  /** The factor on logits in the margin of probabilities; 1 if absent. */
  readonly scale?: number;
  /** The margin of `kept`; −∞ if no point has been judged. */
  margin: number;
}

/** One ascent of one example, towards one target. */
export interface Climber extends Climb {
  readonly example: Example;
  readonly target: number;
  readonly key: Key;
  /** The margin at the current point, in logits. */
  margin: number;
  /** The best point's margins so far, each with the step that reached it. */
  readonly path: { readonly step: number; readonly margin: number }[];
}

/** A part of an ascent; all climbers of a stage have the same radius and number of steps. */
export interface Stage {
  /** Radius in the norm of the attack, for pixels in [0, 1]. */
  readonly epsilon: number;
  readonly steps: number;
  /** Whether points of this stage may be the result of the attack. */
  readonly last: boolean;
}

/**
 * The stages of an ascent in the ball of radius epsilon, for pixels in [0, 1]. In ℓ1 the ball shrinks to this radius in
 * three stages (Croce & Hein 2021, arXiv:2103.01208, §3.4), unless there are fewer than 10 steps.
 */
export function stagesOf(norm: Norm, epsilon: number, steps: number): Stage[] {
  if (norm !== "l1" || steps < 10) return [{ epsilon, steps, last: true }];
  const wide = Math.ceil(0.3 * steps);
  return [
    { epsilon: 3 * epsilon, steps: wide, last: false },
    { epsilon: 2 * epsilon, steps: wide, last: false },
    { epsilon, steps: steps - 2 * wide, last: true },
  ];
}

/** Starts at `from` [pixels], or at a random point if null; either is projected into the stage's ball and into [0, 1]. */
export function begin(
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
  const never = Number.NEGATIVE_INFINITY;
  const nowhere = { point, gradient: point, loss: never, margin: never };
  return {
    example,
    target,
    key,
    margin: never,
    x,
    epsilon,
    point,
    previous: point,
    gradient: point,
    loss: never,
    best: nowhere,
    stepSize: firstStep * epsilon,
    rises: 0,
    bestBefore: never,
    halved: true,
    // At x itself the sparsity of the perturbation is not known yet.
    support: support === 0 ? x.length : support,
    share: support === 0 ? 0.2 : shareOf(support, x.length),
    path: [],
  };
}

/** The settings that all climbers of one call share. */
export interface Ascent {
  readonly norm: Norm;
  readonly loss: ApgdLoss;
  readonly stopWhenBroken: boolean;
  /** Asked before each step; true ends the ascents. */
  readonly isOver?: (() => boolean) | undefined;
}

/** A part of a stage: its steps `from` to `to`, both included. Step 0 evaluates the start. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Runs every climber for the steps of the stage, or of a span of the stage; `shape` is [any, ...pixels]. With
 * `stopWhenBroken`, all climbers of an example end in the last stage once one of them has broken it. Step t queries the
 * victim under the key fold(climber.key, t + 1). Returns the last step that was taken.
 */
export async function ascend(
  victim: Victim,
  climbers: readonly Climber[],
  shape: Shape,
  { norm, loss, stopWhenBroken, isOver = () => false }: Ascent,
  { steps, epsilon, last }: Stage,
  span: Span = { from: 0, to: steps },
): Promise<number> {
  const schedule = schedules[norm];
  const firstStep = geometries[norm].firstStep * epsilon;
  const checkpoints = new Set(schedule.checkpoints(steps));
  let lastCheck = Math.max(0, ...[...checkpoints].filter((step) => step < span.from));
  let running = climbers;
  let taken = span.from - 1;
  for (let step = span.from; step <= span.to && running.length > 0 && !isOver(); step++) {
    if (step > 0) for (const climber of running) move(climber, norm, step === 1);
    await look(victim, running, shape, loss, step + 1);
    taken = step;
    if (step === 0) for (const climber of running) climber.bestBefore = climber.loss;
    if (stopWhenBroken && last) running = survivorsOf(running);
    if (!checkpoints.has(step)) continue;
    for (const climber of running) schedule.lookBack(climber, step - lastCheck, firstStep);
    lastCheck = step;
  }
  return taken;
}

/** The climbers of examples that no climber has broken. */
function survivorsOf(climbers: readonly Climber[]): readonly Climber[] {
  const broken = new Set(climbers.filter(breaks).map(({ example }) => example));
  return broken.size === 0 ? climbers : climbers.filter(({ example }) => !broken.has(example));
}

/** Whether the climber has broken its example. That point is then its result, whatever its loss. */
function breaks(climber: Climber): boolean {
  const { margin, point, gradient, loss } = climber;
  if (margin > 0) climber.best = { point, gradient, loss, margin };
  return margin > 0;
}

/** One step: x_{k+1} = P(x_k + α(P(x_k + η d) − x_k) + (1 − α)(x_k − x_{k−1})), where P projects onto
 * the ball and [0, 1]. The first step has α = 1. */
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

/** Queries the victim at the current points, in one batch, and updates losses, gradients, margins and the best points. */
async function look(
  victim: Victim,
  climbers: readonly Climber[],
  shape: Shape,
  kind: ApgdLoss,
  visit: number,
): Promise<void> {
  const labels = climbers.map(({ example }) => example.label);
  const targets = climbers.map(({ target }) => target);
  const scales = climbers.map(({ example }) => example.scale ?? 1);
  const points = climbers.map(({ point }) => point);
  const answer = await victim.lossAndGradient(
    gather(points, shape),
    losses[kind](labels, targets, scales),
    climbers.map(({ key }) => fold(key, visit)),
  );
  checkGradient(answer.gradient);
  const margins = marginsOf(answer.logits, labels);
  climbers.forEach((climber, i) => {
    const before = climber.loss;
    const { best } = climber;
    see(climber, answer.losses[i], rowOf(answer.gradient, i), margins[i]);
    if (climber.best !== best) climber.path.push({ step: visit - 1, margin: margins[i] });
    if (climber.loss > before && visit > 1) climber.rises++;
  });
}

/** Takes the victim's loss, gradient [pixels] and margin at the current point. */
export function see(climber: Climber, loss: number, gradient: Float32Array, margin: number): void {
  climber.loss = loss;
  climber.gradient = gradient;
  climber.margin = margin;
  const { point, best } = climber;
  if (loss > best.loss) climber.best = { point, gradient, loss, margin };
}
