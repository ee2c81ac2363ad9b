// Two evaluations of the same images, image by image.

import type { Note } from "../math/note.ts";
import { mcnemar, pairedDifference } from "../math/paired.ts";
import { fold, keyOf, nameToNumber } from "../math/random.ts";
import { mean } from "../math/statistics.ts";
import { UsageError } from "../math/usage-error.ts";
import { requireCommonBalls } from "./common-balls.ts";
import type { ComparedAccuracy, ComparedResult } from "./compared.ts";
import { differencesOf } from "./comparison-notes.ts";
import type { Evaluation } from "./evaluation.ts";
import { type BallOutcomes, outcomesOf, worse } from "./outcomes.ts";
import { checkPairs } from "./pairs.ts";

/** The decision of --max-drop. */
export interface DropDecision {
  readonly max: number;
  /** The point estimate decides, not the interval. */
  readonly decidedBy: "estimate";
  /** Names of the accuracies that decide: clean, and under all attacks at the largest radii that both have. */
  readonly decides: readonly string[];
  /** Names of those that dropped by more than `max`. */
  readonly dropped: readonly string[];
  /** Whether nothing dropped by more than `max`, and both results are valid. */
  readonly passed: boolean;
}

export interface Side {
  readonly label: string;
  readonly model: string;
  readonly data: string;
  readonly file: string;
  readonly examples: number;
  /** The verdict of the audit; null for rows that are not from an audit. */
  readonly valid: boolean | null;
  readonly budget: string | null;
}

/** Two evaluations compared image by image. */
export interface Comparison {
  readonly before: Side;
  readonly after: Side;
  /** Images that are in both. */
  readonly examples: number;
  /** Clean accuracy, then each ball that both have, then all norms together. */
  readonly accuracies: readonly ComparedAccuracy[];
  /** The name of the accuracy to quote: under all attacks at the largest radii; `clean` if no ball is in both. */
  readonly headline: string;
  /** Whether both were attacked with the same settings. */
  readonly sameSettings: boolean;
  readonly seed: number;
  /** Null without --max-drop. */
  readonly drop: DropDecision | null;
  readonly notes: readonly Note[];
}

/** Options of a comparison. */
export interface CompareSettings {
  /** Seed of the bootstrap; by default 0. */
  readonly seed?: number | undefined;
  /** The largest drop that passes, a share in [0, 1]. */
  readonly maxDrop?: number | undefined;
}

type Shares = ReadonlyMap<number, number>;

/** A classifier is right on an example if at least half of the draws are. */
const isRight = (share: number): boolean => share >= 0.5;

function compared(
  { name, balls }: Pick<ComparedAccuracy, "name" | "balls">,
  before: Shares,
  after: Shares,
  seed: number,
): ComparedAccuracy {
  const indices = [...before.keys()].filter((index) => after.has(index)).sort((a, b) => a - b);
  const pairs = indices.map((index) => [before.get(index) ?? 0, after.get(index) ?? 0] as const);
  const lost = pairs.filter(([a, b]) => isRight(a) && !isRight(b)).length;
  const gained = pairs.filter(([a, b]) => !isRight(a) && isRight(b)).length;
  return {
    name,
    balls,
    examples: pairs.length,
    before: mean(pairs.map(([a]) => a)),
    after: mean(pairs.map(([, b]) => b)),
    difference: pairedDifference(
      pairs.map(([a, b]) => b - a),
      fold(keyOf(seed), nameToNumber(name)),
    ),
    lost,
    gained,
    p: mcnemar(lost, gained),
  };
}

const sharesOf = ({ worst }: Pick<BallOutcomes, "worst">): Shares =>
  new Map([...worst].map(([index, { share }]) => [index, share]));

/** The strongest attack over several balls, for each example that all of them have. */
function unionOf(balls: readonly BallOutcomes[]): Shares {
  const [first, ...others] = balls;
  const shares = new Map<number, number>();
  for (const [index, worst] of first.worst) {
    const more = others.flatMap((ball) => ball.worst.get(index) ?? []);
    if (more.length === others.length) shares.set(index, more.reduce(worse, worst).share);
  }
  return shares;
}

/** The largest ball of each norm. */
const largest = (balls: readonly BallOutcomes[]): BallOutcomes[] => [
  ...new Map(balls.map((ball) => [ball.norm, ball])).values(),
];

function accuraciesOf(before: Evaluation, after: Evaluation, seed: number): ComparedAccuracy[] {
  const [a, b] = [outcomesOf(before.rows), outcomesOf(after.rows)];
  const other = new Map(b.balls.map((ball) => [ball.name, ball]));
  const common = a.balls.flatMap((ball) => {
    const match = other.get(ball.name);
    return match === undefined ? [] : [{ ball, match }];
  });
  const accuracies = [compared({ name: "clean", balls: [] }, a.clean, b.clean, seed)];
  for (const { ball, match } of common) {
    const { name, norm, epsilon } = ball;
    const balls = [{ norm, epsilon }];
    accuracies.push(compared({ name, balls }, sharesOf(ball), sharesOf(match), seed));
  }
  const top = largest(common.map(({ ball }) => ball));
  if (top.length > 1) {
    const name = top.map((ball) => ball.name).join("+");
    const balls = top.map(({ norm, epsilon }) => ({ norm, epsilon }));
    const matches = top.flatMap((ball) => other.get(ball.name) ?? []);
    accuracies.push(compared({ name, balls }, unionOf(top), unionOf(matches), seed));
  }
  return accuracies;
}

const sideOf = ({ evaluation, audit }: ComparedResult): Side => ({
  label: evaluation.label,
  model: evaluation.summary.model,
  data: evaluation.summary.data,
  file: evaluation.file,
  examples: evaluation.summary.examples,
  valid: audit?.valid ?? null,
  budget: audit?.budget ?? null,
});

/** Whether accuracies dropped by more than `max`. Throws `UsageError` if attacks differ, which says nothing about the models. */
function decide(max: number, found: Omit<Comparison, "drop">): DropDecision {
  if (!found.sameSettings)
    throw new UsageError(
      `--max-drop needs two results of the same attacks. ${found.notes
        .filter(({ code }) => code === "other-attacks")
        .map(({ text }) => text)
        .join(" ")}`,
      { code: "misfit", next: "run both with the same --budget, attacks and radii" },
    );
  const decides = [...new Set(["clean", found.headline])];
  const dropped = found.accuracies
    // Means of shares are rounded, so a drop of exactly `max` must not exceed it by 1e-17.
    .filter(({ name, difference }) => decides.includes(name) && -difference.mean > max + 1e-12)
    .map(({ name }) => name);
  const valid = found.before.valid !== false && found.after.valid !== false;
  return { max, decidedBy: "estimate", decides, dropped, passed: valid && dropped.length === 0 };
}

/** Throws `UsageError` if attacks are missing: survivors of attacks that did not run are not robust. */
function requireFinished(notes: readonly Note[]): void {
  const texts = notes.filter(({ code }) => code === "unfinished").map(({ text }) => text);
  if (texts.length > 0)
    throw new UsageError(`--max-drop needs two finished results. ${texts.join(" ")}`, {
      code: "misfit",
      next: "run the same command again with --resume, and compare then",
    });
}

/**
 * Compares two evaluations. Throws `UsageError` if images or protocols differ; for `maxDrop`, also if attacks or radii do, or if one
 * of them is not finished.
 */
export function comparisonOf(
  before: ComparedResult,
  after: ComparedResult,
  { seed = 0, maxDrop }: CompareSettings = {},
): Comparison {
  const examples = checkPairs(before.evaluation, after.evaluation);
  const accuracies = accuraciesOf(before.evaluation, after.evaluation, seed);
  const notes = differencesOf(before, after, accuracies, examples);
  const found = {
    before: sideOf(before),
    after: sideOf(after),
    examples,
    accuracies,
    // The last entry is over all norms, or for the only norm at its largest radius.
    headline: accuracies[accuracies.length - 1].name,
    sameSettings: notes.every(({ code }) => code !== "other-attacks"),
    seed,
    notes,
  };
  if (maxDrop === undefined) return Object.assign({}, found, { drop: null });
  requireFinished(notes);
  const drop = decide(maxDrop, found);
  requireCommonBalls(before.evaluation, after.evaluation);
  return Object.assign({}, found, { drop });
}
