// Summarises rows: accuracies with intervals, the union over attacks, curves, classes.
import { type Interval, mean, wilson } from "../math/statistics.ts";
import { type EotCurve, eotCurves } from "./eot-curve.ts";
import type { Row } from "./row.ts";
import { attackRadiusKey, groupBy, meanShare, predictionCounts } from "./row-statistics.ts";
import { type SkipOptions, skipsBroken } from "./skip-options.ts";
import { withSkipped } from "./survivors.ts";
import { byBall, sideBySide, type UnionSummary, unionSummary, worstRows } from "./union.ts";

/** One attack at one radius, over all its examples, with the largest number of EOT draws. */
export interface AttackSummary {
  readonly attack: string;
  readonly norm: string | null;
  /** Radius, pixels in [0, 1]. */
  readonly epsilon: number | null;
  /** Draws averaged per gradient step; 1 without EOT. */
  readonly eot: number;
  readonly examples: number;
  /** How many examples each objective led to. */
  readonly objectives: Readonly<Record<string, number>>;
  /** Probability that a prediction of an attacked example is right, with its 95 % interval. */
  readonly accuracy: Interval;
  /** The same after rounding to 8 bits per channel. */
  readonly accuracy8bit: Interval;
  /** Share of examples whose label is the most frequent answer of the draws. */
  readonly majority: Interval;
  /** P(right in all of 10 tries); equals the accuracy for a deterministic classifier. */
  readonly tenOfTen: number;
  /** Share of examples that one noisy draw gets right, if `accuracy` is for the network without its noise. */
  readonly oneDraw: Interval | null;
  /** Means over examples: norms of the perturbation, and cost. */
  readonly linf: number;
  readonly l2: number;
  readonly queries: number;
  readonly seconds: number;
}

/** One class, over its examples. */
export interface ClassSummary {
  readonly label: number;
  readonly examples: number;
  readonly clean: number;
  /** The accuracy under the last of `unions`; null if no attack of that union has rows of the class. */
  readonly union: number | null;
}

/** The summary of the rows of one evaluation. */
export interface Summary {
  readonly model: string;
  readonly defense: string;
  readonly data: string;
  readonly protocol: string;
  readonly rule: string;
  /** Noise draws per example; 1 for a deterministic classifier and under the published protocol. */
  readonly draws: number;
  /** Whether the classifier adds noise when it is deployed. */
  readonly randomised: boolean;
  /** The one of a union's two numbers that the protocol reports. */
  readonly headline: "union" | "min of means";
  readonly examples: number;
  readonly clean: Interval;
  /**
   * Accuracy of one noisy draw, if `clean` is for the network without its noise and there are rows of clean images.
   */
  readonly cleanOneDraw: Interval | null;
  /** The attacks in the order of their runs, without `none`, which is `clean`. */
  readonly attacks: readonly AttackSummary[];
  /** One union per position in the lists of radii; empty without attacks. */
  readonly unions: readonly UnionSummary[];
  /** One per norm and radius: all attacks in that ball together. */
  readonly ballUnions: readonly UnionSummary[];
  /** Classes in ascending order of accuracy under attack. */
  readonly classes: readonly ClassSummary[];
  /** Accuracy against the number of EOT draws, for every attack that ran with several numbers. */
  readonly eotCurves: readonly EotCurve[];
}

const TRIES = 10;

/**
 * P(right in all of 10 tries) of an example that was right in `share` of m predictions: the share of sets of 10
 * predictions without a wrong one, which is unbiased; if m is less than 10, share¹⁰, which is biased.
 */
export function rightInAll(share: number, m: number): number {
  if (m === 1) return share;
  if (m < TRIES) return share ** TRIES;
  const right = Math.round(share * m);
  let probability = 1;
  for (let i = 0; i < TRIES; i++) probability *= Math.max(0, right - i) / (m - i);
  return probability;
}

const oneDrawOf = (rows: readonly Row[]): Interval | null => {
  const known = rows.flatMap(({ oneDraw }) => oneDraw ?? []);
  return known.length === 0
    ? null
    : wilson(
        known.reduce((a, b) => a + b, 0),
        known.length,
      );
};

const attackSummary = (rows: readonly Row[]): AttackSummary => ({
  attack: rows[0].attack,
  norm: rows[0].norm,
  epsilon: rows[0].epsilon,
  eot: rows[0].eot,
  examples: rows.length,
  objectives: Object.fromEntries(
    [...groupBy(rows, ({ objective }) => String(objective))].map(([name, own]) => [
      name,
      own.length,
    ]),
  ),
  accuracy: meanShare(rows, ({ correct }) => correct, "half"),
  accuracy8bit: meanShare(rows, ({ correct8bit }) => correct8bit, "half"),
  majority: wilson(
    rows.reduce((sum, { majority }) => sum + majority, 0),
    rows.length,
  ),
  tenOfTen: mean(rows.map((row) => rightInAll(row.correct, predictionCounts(row).half))),
  oneDraw: oneDrawOf(rows),
  linf: mean(rows.map(({ linf }) => linf)),
  l2: mean(rows.map(({ l2 }) => l2)),
  queries: mean(rows.map(({ queries }) => queries)),
  seconds: mean(rows.map(({ seconds }) => seconds)),
});

function classSummaries(clean: readonly Row[], worst: readonly Row[]): ClassSummary[] {
  const attacked = groupBy(worst, ({ label }) => label);
  return [...groupBy(clean, ({ label }) => label)]
    .map(([label, rows]) => {
      const shares = attacked.get(label)?.map(({ correct }) => correct);
      return {
        label,
        examples: rows.length,
        clean: mean(rows.map((row) => row.clean)),
        union: shares === undefined ? null : mean(shares),
      };
    })
    .sort((a, b) => (a.union ?? 1) - (b.union ?? 1) || a.clean - b.clean || a.label - b.label);
}

/** The rows with the largest number of EOT draws. Only these count, because they are the strongest attack. */
function mostDraws(rows: readonly Row[]): Row[] {
  const maxEot = rows.reduce((largest, { eot }) => Math.max(largest, eot), 0);
  return rows.filter(({ eot }) => eot === maxEot);
}

/**
 * Summarises the rows of one evaluation (one file); there must be at least one row. Under `skipBroken`, the accuracy of an
 * attack covers all attacks up to and including it.
 */
export function summarize(stored: readonly Row[], options: SkipOptions = {}): Summary {
  const rows = skipsBroken(options) ? withSkipped(stored) : stored;
  if (rows.length === 0) throw new Error("internal: no rows to summarise");
  const { model, defense, data, protocol, rule, draws } = rows[0];
  if (rows.some((row) => row.protocol !== protocol))
    throw new Error("internal: rows of two protocols, which are not comparable");
  const clean = [...groupBy(rows, ({ index }) => index).values()].map(([row]) => row);
  const attacked = rows.filter(({ attack }) => attack !== "none");
  const cells = [...groupBy(attacked, attackRadiusKey).values()].map(mostDraws);
  const sets = sideBySide(cells);
  return {
    model,
    defense,
    data,
    protocol,
    rule,
    draws,
    examples: clean.length,
    randomised: draws > 1 || rows.some(({ oneDraw = null }) => oneDraw !== null),
    headline: protocol === "published" ? "min of means" : "union",
    clean: meanShare(clean, (row) => row.clean, "all"),
    cleanOneDraw: oneDrawOf(rows.filter(({ attack }) => attack === "none")),
    attacks: cells.map(attackSummary),
    unions: sets.map(unionSummary),
    ballUnions: byBall(cells).map(unionSummary),
    classes: classSummaries(clean, worstRows(sets.at(-1) ?? [])),
    eotCurves: eotCurves(attacked),
  };
}
