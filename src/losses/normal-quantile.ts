// Φ⁻¹ as an expression, for losses of certified radii.
import {
  add,
  clip,
  div,
  greater,
  log,
  minimum,
  mul,
  neg,
  scalarLike,
  sqrt,
  sub,
  where,
} from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";

/** Coefficients of Wichura 1988, AS 241, PPND7, the highest power first: a centre and a tail without cancellation. */
const CENTRE = {
  over: [59.10937472, 159.29113202, 50.434271938, 3.3871327179],
  under: [67.1875636, 78.757757664, 17.895169469, 1],
} as const;
const TAIL = {
  over: [0.17023821103, 1.3067284816, 2.75681539, 1.4234372777],
  under: [0.12021132975, 0.7370016425, 1],
} as const;

/** The centre has |p − ½| up to this. */
const EDGE = 0.425;
/** The tail is a function of √(−ln p) minus this. */
const SHIFT = 1.6;

/** The smallest probability that float32 tells from 0 beside 1. */
export const SMALLEST_PROBABILITY = 2 ** -24;

/** The polynomial with these coefficients, the highest power first. */
const polynomial = (x: Value, coefficients: readonly number[]): Value =>
  coefficients
    .slice(1)
    .reduce(
      (sum: Value, coefficient) => add(mul(sum, x), scalarLike(x, coefficient)),
      scalarLike(x, coefficients[0]),
    );

/**
 * Φ⁻¹ of probabilities of any shape, in float32; they are first clipped to [2⁻²⁴, 1 − 2⁻²⁴], where the gradient ends. Accurate
 * to about 1e-6 between 0.001 and 0.999, where float32 tells p from 1.
 */
export function normalQuantile(probability: Value): Value {
  const p = clip(probability, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY);
  const q = sub(p, scalarLike(p, 0.5));
  const r = sub(scalarLike(q, EDGE * EDGE), mul(q, q));
  const centre = div(mul(polynomial(r, CENTRE.over), q), polynomial(r, CENTRE.under));
  const smaller = minimum(p, sub(scalarLike(p, 1), p));
  const t = sub(sqrt(neg(log(smaller))), scalarLike(p, SHIFT));
  const upperTail = div(polynomial(t, TAIL.over), polynomial(t, TAIL.under));
  const tail = where(greater(q, scalarLike(q, 0)), upperTail, neg(upperTail));
  return where(greater(scalarLike(p, 0.5 - EDGE), smaller), tail, centre);
}
