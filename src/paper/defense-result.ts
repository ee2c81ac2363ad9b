import type { Row } from "../evaluate/row.ts";
import type { Interval } from "../math/statistics.ts";

/** A measured share and its number of images. */
export interface Measured extends Interval {
  readonly examples: number;
}

/** Shares of images that are right and stay so within the paper's radius: proven, or certified under normal noise. */
export interface LowerBounds {
  readonly linf: Measured | null;
  readonly l2: Measured | null;
}

/** Stored results of one defence. */
export interface DefenseResult {
  readonly noise: string | null;
  /** Rows by kind of measurement. */
  readonly rows: Readonly<Record<string, readonly Row[]>>;
  /** Absent where nothing was proven or certified. */
  readonly lower?: LowerBounds | undefined;
  /** Seconds of training; null if unknown. */
  readonly seconds: number | null;
  /** Floating-point operations of training; null if unknown. */
  readonly flops: number | null;
}
