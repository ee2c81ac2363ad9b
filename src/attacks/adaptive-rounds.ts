// The rounds of the adaptive attack: which ascents an image gets, and when it leaves.
import { type ApgdLoss, type Span, type Stage, stagesOf } from "./apgd-ascent.ts";
import type { Norm } from "./victim.ts";

/** A round of ascents. An image's part in it depends on that image alone. */
export interface Round {
  /** The attack that rows name. */
  readonly name: string;
  readonly loss: ApgdLoss;
  /** Gradient steps of a whole ascent. */
  readonly steps: number;
  /**
   * The ascents of an image in each part of these steps, [parts]. After each part those that came closest to breaking the image go on.
   * With a targeted loss they aim at different classes, those with the highest logits on the clean image first.
   */
  readonly ascents: readonly number[];
  /** Where ascents start: at the image, or at random points of the ball. */
  readonly start: "image" | "random";
  /** An image takes part if at most this share of its clean margin is left. */
  readonly remaining: number;
}

/**
 * The rounds for ascents of `steps` gradient steps at most. Shares of steps, ascents and thresholds were chosen on the images
 * 1000 to 1199 of CIFAR-10's test set, on two networks.
 */
export function roundsOf(steps: number, norm: Norm): Round[] {
  const part = (share: number) => Math.max(1, Math.round(share * steps));
  // As AutoAttack does, aim at five classes in ℓ1, where parts are stages.
  const isL1 = norm === "l1";
  return [
    {
      name: "apgd-pm",
      loss: "pm",
      steps: part(0.3),
      ascents: [1],
      start: "image",
      remaining: 1,
    },
    {
      name: "apgd-t",
      loss: "t",
      steps: part(0.6),
      ascents: isL1 ? [5, 2, 1] : [9, 3, 2, 1],
      start: "random",
      remaining: 0.6,
    },
    {
      name: "apgd-t",
      loss: "t",
      steps,
      ascents: isL1 ? [5, 3, 1] : [9, 6, 3, 1],
      start: "random",
      remaining: 0.1,
    },
  ];
}

/** A round of random search. */
export const SQUARES = "squares";

/**
 * Round `number`, from 0, of an attack that ends when its time does: a few steps for every image, then more, then ascents towards
 * several classes, again and again from new points of the ball.
 */
export function timedRound(number: number, norm: Norm): Round | typeof SQUARES {
  const first = { name: "apgd-pm", loss: "pm", ascents: [1] } as const;
  if (number === 0)
    return Object.assign({ steps: 5, start: "image", remaining: 1 } as const, first);
  if (number === 1)
    return Object.assign({ steps: 15, start: "random", remaining: 0.95 } as const, first);
  if (number === 2) return SQUARES;
  const [, shorter, longer] = roundsOf(100, norm);
  return number === 3 ? shorter : longer;
}

/** A part of a round: steps of one stage, for so many ascents of each image. */
export interface Part {
  readonly stage: Stage;
  /** The number of the stage, from 0. */
  readonly number: number;
  readonly span: Span;
  readonly ascents: number;
}

/** The parts of a round in the ball of radius epsilon, for pixels in [0, 1]. With several stages, as in ℓ1, each is a part; otherwise parts have as many steps each. */
export function partsOf({ steps, ascents }: Round, norm: Norm, epsilon: number): Part[] {
  const stages = stagesOf(norm, epsilon, steps);
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

/** Queries of random search, and the share of its clean margin that an image may have left to stay after them. */
export interface SquareSpan {
  readonly span: Span;
  readonly remaining: number;
}

/** Shares of the queries after which random search looks at an image, and what it may have left there. */
const CHECKPOINTS = [
  { share: 0.04, remaining: 0.8 },
  { share: 0.1, remaining: 0.6 },
  { share: 0.2, remaining: 0.3 },
  { share: 0.4, remaining: 0.15 },
  { share: 1, remaining: 1 },
];

/** The spans of a random search of so many queries. */
export function squareSpans(queries: number): SquareSpan[] {
  let from = 1;
  return CHECKPOINTS.map(({ share, remaining }) => {
    const span = { from, to: Math.ceil(share * queries) };
    from = span.to + 1;
    return { span, remaining };
  });
}
