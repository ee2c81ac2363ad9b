// Two defences on the same images.

import type { Row } from "../../evaluate/row.ts";
import { groupBy } from "../../evaluate/row-statistics.ts";
import { worstRows } from "../../evaluate/union.ts";
import { pairedDifference } from "../../math/paired.ts";
import { fold, keyOf, nameToNumber } from "../../math/random.ts";
import { type Interval, mean } from "../../math/statistics.ts";
import type { Section, Sections } from "../sections.ts";

/** What is known at one scale. */
export interface Evidence {
  /** The scale, as a reader sees it: `medium`. */
  readonly scale: string;
  readonly sections: ReadonlyMap<string, Sections>;
  /** Rows of the sweep over draws, by defence. */
  readonly sweeps: ReadonlyMap<string, readonly Row[]>;
}

/** What is compared: accuracy on clean images, or under the strongest of some attacks for each image. */
export type Measure =
  | "natural"
  | "pgd-linf"
  | "pgd-l2"
  | "pgd-union"
  | "autoattack-union"
  | "cw-l2"
  | "pgd-cw-union";

/** The names of measures for a reader. */
export const measureNames: { readonly [M in Measure]: string } = {
  natural: "natural",
  "pgd-linf": "PGD-ℓ∞",
  "pgd-l2": "PGD-ℓ2",
  "pgd-union": "union of PGD",
  "autoattack-union": "union of AutoAttack",
  "cw-l2": "C&W",
  "pgd-cw-union": "union of PGD and C&W",
};

/** Share of draws in which an image is right, by index in the test split. */
export type Shares = ReadonlyMap<number, number>;

const named = (rows: readonly Row[], attack: string) => rows.filter((row) => row.attack === attack);

/** The rows of a measure's attacks, and how many attacks there are. */
function attacksOf({ pgd, cw, autoattack }: Section, measure: Measure): readonly [Row[], number] {
  switch (measure) {
    case "pgd-union":
      return [[...pgd], 2];
    case "autoattack-union":
      return [[...autoattack], 2];
    case "pgd-cw-union":
      return [[...pgd, ...cw], 3];
    case "cw-l2":
      return [[...cw], 1];
    default:
      return [named(pgd, measure), 1];
  }
}

/** The shares of a measure; empty if one of its attacks was not run. */
export function sharesOf(section: Section, measure: Measure): Shares {
  if (measure === "natural")
    return new Map(section.natural.map(({ index, clean }) => [index, clean]));
  const [rows, attacks] = attacksOf(section, measure);
  const cells = [...groupBy(rows, ({ attack }) => attack).values()];
  if (cells.length < attacks) return new Map();
  return new Map(worstRows(cells).map(({ index, correct }) => [index, correct]));
}

/** A comparison of two defences under one measure. */
export interface Comparison {
  readonly a: string;
  readonly b: string;
  readonly protocol: keyof Sections;
  readonly measure: Measure;
}

/** Its result: the accuracies on common images, and the paired difference a − b. */
export interface Compared extends Comparison {
  readonly scale: string;
  readonly examples: number;
  readonly meanA: number;
  readonly meanB: number;
  readonly difference: Interval;
}

/** The paired difference a − b of shares on the images that both have; null if there are none. `name` is the bootstrap's key. */
export function pairedShares(a: Shares, b: Shares, name: string) {
  const indices = [...a.keys()].filter((index) => b.has(index)).sort((one, two) => one - two);
  if (indices.length === 0) return null;
  const pairs = indices.map((index) => [a.get(index) ?? 0, b.get(index) ?? 0] as const);
  return {
    examples: pairs.length,
    meanA: mean(pairs.map(([one]) => one)),
    meanB: mean(pairs.map(([, other]) => other)),
    difference: pairedDifference(
      pairs.map(([one, other]) => one - other),
      fold(keyOf(0), nameToNumber(name)),
    ),
  };
}

/** Compares two defences at the first scale that has both; null if none has. */
export function compare(comparison: Comparison, evidence: readonly Evidence[]): Compared | null {
  const { a, b, protocol, measure } = comparison;
  for (const { scale, sections } of evidence) {
    const [one, other] = [a, b].map((defense) => sections.get(defense)?.[protocol]);
    if (one === undefined || other === undefined) continue;
    const name = `${scale} ${protocol} ${measure} ${a} ${b}`;
    const found = pairedShares(sharesOf(one, measure), sharesOf(other, measure), name);
    if (found !== null) return { ...comparison, scale, ...found };
  }
  return null;
}
