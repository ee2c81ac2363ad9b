// The rounds of the adaptive attack: which ascents each image gets, and when an image leaves the attack.
import { type ApgdLoss, type Span, type Stage, stagesOf } from "./apgd-ascent.ts";
import type { Norm } from "./victim.ts";

/** A round of ascents. Whether and how an image takes part depends only on that image. */
export interface Round {
  /** The attack that rows name. */
  readonly name: string;
  readonly loss: ApgdLoss;
  /** Gradient steps of a whole ascent. */
  readonly steps: number;
  /**
   * The ascents of an image in each part of these steps, [parts]. After each part, the ascents that came closest to
   * breaking the image continue. With a targeted loss they aim at different classes, those with the highest logits on
   * the clean image first.
   */
  readonly ascents: readonly number[];
  /** Where ascents start: at the image, at random points of the ball, or at the most damaging point so far. */
  readonly start: "image" | "random" | "best";
  /** An image takes part if at most this share of its clean margin is left. */
  readonly remaining: number;
  /** Whether the progress of an image says that it got this round in full. */
  readonly isThorough?: true;
}

/** The length of an ascent with this share of the steps. */
const part = (share: number, steps: number): number => Math.max(1, Math.round(share * steps));

/** The first round: every image, started at the clean image. */
const first = (steps: number): Round => ({
  name: "apgd-pm",
  loss: "pm",
  steps: part(0.3, steps),
  ascents: [1],
  start: "image",
  remaining: 1,
});

/** The later rounds in ℓ∞ and ℓ2, where the targeted DLR loss breaks the most images. */
const targetedRounds = (steps: number): Round[] => [
  {
    name: "apgd-t",
    loss: "t",
    steps: part(0.6, steps),
    ascents: [9, 3, 2, 1],
    start: "random",
    remaining: 0.6,
  },
  {
    name: "apgd-t",
    loss: "t",
    steps,
    ascents: [9, 6, 3, 1],
    start: "random",
    remaining: 0.1,
  },
];

/**
 * The later rounds in ℓ1, where cross-entropy from several random points breaks most of the images that survive the
 * first round. As in AutoAttack there are five starts and five targets. The parts of an ascent are its stages. The last
 * rounds continue from the best point.
 */
const l1Rounds = (steps: number): Round[] => [
  {
    name: "apgd-ce",
    loss: "ce",
    steps: part(0.6, steps),
    ascents: [5, 2, 1],
    start: "random",
    remaining: 0.6,
  },
  {
    name: "apgd-t",
    loss: "t",
    steps: part(0.6, steps),
    ascents: [5, 2, 1],
    start: "image",
    remaining: 0.1,
  },
  {
    name: "apgd-ce",
    loss: "ce",
    steps,
    ascents: [5, 3, 1],
    start: "random",
    remaining: 0.1,
  },
  {
    name: "apgd-t",
    loss: "t",
    steps,
    ascents: [5, 3, 1],
    start: "random",
    remaining: 0.05,
  },
  {
    name: "apgd-pm",
    loss: "pm",
    steps: part(0.4, steps),
    ascents: [1],
    start: "best",
    remaining: 0.1,
  },
  {
    name: "apgd-t",
    loss: "t",
    steps: part(0.4, steps),
    ascents: [2],
    start: "best",
    remaining: 0.05,
  },
];

/** Rounds in ℓ1 that drop no ascent and take every image that may still break: no cheaper choice finds the last ones. */
const thoroughRounds = (steps: number): Round[] =>
  (["t", "ce"] as const).map((loss) => ({
    name: `apgd-${loss}`,
    loss,
    steps,
    ascents: [5],
    start: "random",
    remaining: 0.6,
    isThorough: true,
  }));

const laterRounds = (steps: number, norm: Norm): Round[] =>
  norm === "l1" ? l1Rounds(steps) : targetedRounds(steps);

/**
 * The rounds for ascents of `steps` gradient steps at most. Shares of steps, ascents and thresholds were chosen on images of
 * CIFAR-10's test set: 1000 to 1199 on two networks in ℓ∞ and ℓ2, and 1000 to 1299 on one in ℓ1.
 */
export const roundsOf = (steps: number, norm: Norm): Round[] => [
  first(steps),
  ...laterRounds(steps, norm),
];

/** A round of random search. */
export const SQUARES = "squares";

/**
 * Round `number`, from 0, of an attack with a time limit: a few steps for every image, then more steps, then ascents towards
 * several classes, repeated from new points of the ball until the time is up.
 */
export function timedRound(number: number, norm: Norm): Round | typeof SQUARES {
  const own = first(100);
  if (number === 0) return Object.assign({}, own, { steps: 5 });
  if (number === 1)
    return Object.assign({}, own, { steps: 15, start: "random", remaining: 0.95 } as const);
  if (number === 2) return SQUARES;
  const later = laterRounds(100, norm);
  const long = later.filter(({ start, steps }) => start === "random" && steps === 100);
  const repeated = norm === "l1" ? thoroughRounds(100) : long;
  const at = number - 3;
  return later[at] ?? repeated[(at - later.length) % repeated.length];
}

/** A part of a round: steps of one stage, and the number of ascents of each image. */
export interface Part {
  readonly stage: Stage;
  /** The number of the stage, from 0. */
  readonly number: number;
  readonly span: Span;
  readonly ascents: number;
}

/**
 * The parts of a round in the ball of radius epsilon, for pixels in [0, 1]. With several stages, as in ℓ1, each is a
 * part; otherwise all parts have the same number of steps.
 */
export function partsOf({ steps, ascents, start }: Round, norm: Norm, epsilon: number): Part[] {
  // The best point is in the ball, and would leave it in the stages of larger balls.
  const stages =
    start === "best" ? [{ epsilon, steps, last: true }] : stagesOf(norm, epsilon, steps);
  if (stages.length > 1)
    return stages.map((stage, number) => ({
      stage,
      number,
      span: { from: 0, to: stage.steps },
      ascents: ascents[Math.min(number, ascents.length - 1)],
    }));
  const [stage] = stages;
  const endOf = (part: number) => Math.floor((part * stage.steps) / ascents.length);
  return ascents.map((count, i) => ({
    stage,
    number: 0,
    span: { from: i === 0 ? 0 : endOf(i) + 1, to: endOf(i + 1) },
    ascents: count,
  }));
}

/** The gradient steps of all rounds for one image, at most, in the ball of radius epsilon, for pixels in [0, 1]. */
export function gradientsOf(rounds: readonly Round[], norm: Norm, epsilon: number): number {
  const parts = rounds.flatMap((round) => partsOf(round, norm, epsilon));
  const steps = ({ from, to }: Span) => to - from + (from === 0 ? 0 : 1);
  return parts.reduce((sum, { span, ascents }) => sum + ascents * steps(span), 0);
}

/**
 * The number of random searches that start for an image whose gradients are masked. Only the search that came closest
 * continues, because some get stuck at their first points.
 */
export const SQUARE_STARTS = 2;

/** A number of queries, and the largest share of its clean margin with which an image continues after them. */
export interface SquareSpan {
  readonly span: Span;
  readonly remaining: number;
}

/**
 * Shares of the queries after which random search checks an image, and the largest share of the margin to continue with.
 */
const CHECKPOINTS = [
  { share: 0.01, remaining: 1 },
  { share: 0.04, remaining: 0.8 },
  { share: 0.1, remaining: 0.6 },
  { share: 0.2, remaining: 0.45 },
  { share: 0.4, remaining: 0.3 },
  { share: 0.7, remaining: 0.15 },
  { share: 1, remaining: 1 },
];

/** The spans of a random search of this many queries. Every start runs the first span. */
export function squareSpans(queries: number): SquareSpan[] {
  let from = 1;
  return CHECKPOINTS.map(({ share, remaining }) => {
    const span = { from, to: Math.ceil(share * queries) };
    from = span.to + 1;
    return { span, remaining };
  });
}
