// Rounding to floating-point numbers of few bits.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";

/** The numbers that a format can hold, infinities aside. */
export interface Minifloat {
  /** Digits after the point, in base 2. */
  readonly mantissa: Value;
  /** Exponent of the smallest number that has all its digits; smaller ones lose some. */
  readonly lowest: Value;
}

const two = (like: Value, exponent: Value): Value => g.pow(g.scalarLike(like, 2), exponent);

/** ⌊log₂ |x|⌋; the logarithm may be off by a rounding, so the power is compared with x. */
function exponentOf(x: Value): Value {
  const size = g.abs(x);
  const tiny = g.scalarLike(x, 2 ** -126);
  const logarithm = g.mul(g.log(g.add(size, tiny)), g.scalarLike(x, Math.LOG2E));
  const guess = g.floor(logarithm);
  const power = two(x, guess);
  const one = g.scalarLike(x, 1);
  const lower = g.where(g.greater(power, size), g.sub(guess, one), guess);
  return g.where(g.greater(g.add(power, power), size), lower, g.add(guess, one));
}

/** x with its last digit where the format has it: s·round(x/s). It has no gradient by itself. */
export function roundedToFloat(
  x: Value,
  { mantissa, lowest }: Minifloat,
  round: (x: Value) => Value = g.round,
): Value {
  const step = two(x, g.sub(g.maximum(exponentOf(x), lowest), mantissa));
  return g.mul(step, round(g.div(x, step)));
}
