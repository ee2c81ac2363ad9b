// The lines between which a function of one number lies (Zhang et al. 2018, arXiv:1811.00866), one pair per element.

import type { Op, Value } from "../graph/value.ts";
import { elementary, isElementary } from "./elementary.ts";
import type { Interval } from "./interval.ts";
import { type Lines, rounded } from "./lines.ts";
import { productLines } from "./product-lines.ts";
import { type FloatType, up } from "./rounding.ts";
import { smoothLines } from "./smooth-lines.ts";
import { isStep, stepLines } from "./step-lines.ts";

/** The lines of all elements of one node, in row-major order. Slopes by input; all are numbers of the float type. */
export interface Relaxation {
  readonly lowerSlopes: readonly Float64Array[];
  readonly upperSlopes: readonly Float64Array[];
  readonly lowerIntercept: Float64Array;
  readonly upperIntercept: Float64Array;
}

/** 0 ≤ slope·x for the lower line of an unstable ReLU, with the slope of the smaller area. */
const betterSlope = (low: number, high: number): number => (high > -low ? 1 : 0);

/**
 * The lines of a ReLU on [low, high]. The lower line of an unstable one may have any slope in [0, 1]. The upper line has
 * the slope s ≈ high/(high − low) and the intercept max(−s·low, (1 − s)·high), as relu(x) − s·x is convex.
 */
export function reluLines(
  low: number,
  high: number,
  type: FloatType,
  lowerSlope = betterSlope(low, high),
): Lines {
  if (low >= 0) return flat(1, 0, 0);
  if (high <= 0) return flat(0, 0, 0);
  const secant = rounded(high / (high - low), type);
  const slope = Number.isFinite(secant) ? Math.min(1, Math.max(0, secant)) : 0;
  const atLow = slope === 0 ? 0 : up(-slope * low);
  const atHigh = slope === 1 ? 0 : up(up(1 - slope) * high);
  return {
    lower: { slopes: [lowerSlope], intercept: 0 },
    upper: { slopes: [slope], intercept: Math.max(atLow, atHigh) },
  };
}

/** Two lines of one slope. */
const flat = (slope: number, low: number, high: number): Lines => ({
  lower: { slopes: [slope], intercept: low },
  upper: { slopes: [slope], intercept: high },
});

/** The operators that are relaxed: functions of one number, and products of two. */
export const isRelaxed = ({ op }: Value): boolean =>
  op === "Relu" || op === "Mul" || isElementary(op) || isStep(op);

/** The lines of one element of a node on the intervals of its inputs. */
export function linesOf(
  op: Op,
  inputs: readonly (readonly [number, number])[],
  type: FloatType,
): Lines {
  const [[low, high]] = inputs;
  if (op === "Relu") return reluLines(low, high, type);
  if (op === "Mul") return productLines(inputs[0], inputs[1], type);
  if (isElementary(op)) return smoothLines(elementary[op], low, high, type);
  if (isStep(op)) return stepLines(op, low, high, type);
  throw new Error(`${op} has no relaxation`);
}

/** The lines of all elements of a node; the inputs' intervals have the node's shape. */
export function relaxationOf(
  node: Value,
  inputs: readonly Interval[],
  type: FloatType,
): Relaxation {
  const size = inputs[0].lower.length;
  const arrays = () => inputs.map(() => new Float64Array(size));
  const [lowerSlopes, upperSlopes] = [arrays(), arrays()];
  const [lowerIntercept, upperIntercept] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < size; i++) {
    const ranges = inputs.map(({ lower, upper }) => [lower[i], upper[i]] as const);
    const { lower, upper } = linesOf(node.op, ranges, type);
    for (let k = 0; k < inputs.length; k++) {
      lowerSlopes[k][i] = lower.slopes[k];
      upperSlopes[k][i] = upper.slopes[k];
    }
    lowerIntercept[i] = lower.intercept;
    upperIntercept[i] = upper.intercept;
  }
  return { lowerSlopes, upperSlopes, lowerIntercept, upperIntercept };
}
