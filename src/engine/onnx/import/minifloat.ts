// Rounding to minifloats, which are floating-point formats with few bits.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";

/** A floating-point format without infinities. Its parameters broadcast to the rounded values. */
export interface Minifloat {
  /** Bits of the mantissa after the binary point. */
  readonly mantissa: Value;
  /** Exponent of the smallest normal number; smaller numbers are subnormal. */
  readonly minExponent: Value;
}

const powerOfTwo = (exponent: Value): Value => g.pow(g.scalarLike(exponent, 2), exponent);

/**
 * ⌊log₂ |x|⌋. The logarithm may have a rounding error, so a comparison of 2^guess with |x| corrects
 * the guess.
 */
function exponentOf(x: Value): Value {
  const magnitude = g.abs(x);
  const minNormal = g.scalarLike(x, 2 ** -126);
  const logarithm = g.mul(g.log(g.add(magnitude, minNormal)), g.scalarLike(x, Math.LOG2E));
  const guess = g.floor(logarithm);
  const power = powerOfTwo(guess);
  const one = g.scalarLike(x, 1);
  const lower = g.where(g.greater(power, magnitude), g.sub(guess, one), guess);
  return g.where(g.greater(g.add(power, power), magnitude), lower, g.add(guess, one));
}

/** x rounded to the format: s·round(x/s) where s is the spacing of the format at x. Has no gradient. */
export function roundedToFloat(
  x: Value,
  { mantissa, minExponent }: Minifloat,
  round: (x: Value) => Value = g.round,
): Value {
  const spacing = powerOfTwo(g.sub(g.maximum(exponentOf(x), minExponent), mantissa));
  return g.mul(spacing, round(g.div(x, spacing)));
}
