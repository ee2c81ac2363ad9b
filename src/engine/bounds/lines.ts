import type { FloatType } from "./rounding.ts";

/** A line, or a plane over two inputs: Σ slopes[k]·xₖ + intercept. */
export interface Line {
  readonly slopes: readonly number[];
  readonly intercept: number;
}

/** Lines with lower(x) ≤ f(x) ≤ upper(x) for every x of the interval, in real arithmetic. */
export interface Lines {
  readonly lower: Line;
  readonly upper: Line;
}

/** The nearest number of a float type. */
export const rounded = (x: number, type: FloatType): number =>
  type === "float32" ? Math.fround(x) : x;
