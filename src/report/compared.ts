// The parts of a comparison: two results, and one accuracy of both.
import type { Interval } from "../math/statistics.ts";
import type { Evaluation } from "./evaluation.ts";
import type { Ball } from "./outcomes.ts";

/** How far the attacks of an audit with --minutes came in one ball. */
export interface TimedBall {
  readonly norm: string;
  readonly epsilon: number;
  /** Images that got the first steps, of those that are right when clean. */
  readonly attacked: number;
  readonly right: number;
  /** Whether all rounds ended before the time did. */
  readonly finished: boolean;
}

/** One of the two results: its rows, and the verdict of its audit. */
export interface ComparedResult {
  readonly evaluation: Evaluation;
  /** The contents of summary.json; null for rows that are not from an audit. */
  readonly audit: {
    readonly valid: boolean;
    readonly budget: string;
    /** How far timed attacks came, by ball; absent or null without --minutes. */
    readonly timed?: readonly TimedBall[] | null;
    /** Whether the search for smallest radii covered all images; absent if nothing says so. */
    readonly searchedAll?: boolean;
    /** Images that it is about; undefined where it does not say. */
    readonly examples?: number | undefined;
  } | null;
}

/** One accuracy of both models on the same images, as shares in [0, 1]. */
export interface ComparedAccuracy {
  /** `clean`, `linf@0.031`, or `linf@0.031+l2@0.83` for the strongest attack of several norms. */
  readonly name: string;
  /** Empty for the clean accuracy. */
  readonly balls: readonly Ball[];
  /** Images that both have tried. */
  readonly examples: number;
  readonly before: number;
  readonly after: number;
  /** After minus before, with the 95 % interval of a bootstrap over images (BCa). */
  readonly difference: Interval;
  /** Images that were right before and are wrong after; a randomised classifier is right where most draws are. */
  readonly lost: number;
  /** Images that were wrong before and are right after. */
  readonly gained: number;
  /** The exact two-sided p-value of McNemar's test. */
  readonly p: number;
}
