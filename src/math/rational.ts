// Exact rational numbers, for texts whose decimal numbers must not be rounded.

/** numerator · 10^exponent / denominator, with a positive denominator. Equal numbers may have several forms. */
export interface Rational {
  readonly numerator: bigint;
  readonly exponent: number;
  readonly denominator: bigint;
}

const powers: bigint[] = [1n];

/** 10ⁿ for a whole n ≥ 0. */
function powerOfTen(n: number): bigint {
  powers[n] ??= 10n ** BigInt(n);
  return powers[n];
}

const make = (numerator: bigint, exponent: number, denominator: bigint): Rational => ({
  numerator,
  exponent: numerator === 0n ? 0 : exponent,
  denominator: numerator === 0n ? 1n : denominator,
});

/** The number of a decimal text such as `-1.5e-3`: a sign, digits with or without a point, and an exponent. */
export function rationalOf(decimal: string): Rational {
  const [digits, exponent = "0"] = decimal.toLowerCase().split("e");
  const [whole, fraction = ""] = digits.split(".");
  const sign = whole.startsWith("-") ? -1n : 1n;
  const numerator = sign * BigInt(whole.replace(/^[+-]/, "") + fraction);
  return make(numerator, Number(exponent) - fraction.length, 1n);
}

export const ZERO = rationalOf("0");
export const ONE = rationalOf("1");

export const isZero = ({ numerator }: Rational): boolean => numerator === 0n;

export const negated = ({ numerator, exponent, denominator }: Rational): Rational =>
  make(-numerator, exponent, denominator);

export function sumOf(a: Rational, b: Rational): Rational {
  if (isZero(a)) return b;
  if (isZero(b)) return a;
  const exponent = Math.min(a.exponent, b.exponent);
  const left = a.numerator * powerOfTen(a.exponent - exponent);
  const right = b.numerator * powerOfTen(b.exponent - exponent);
  if (a.denominator === b.denominator) return make(left + right, exponent, a.denominator);
  const numerator = left * b.denominator + right * a.denominator;
  return make(numerator, exponent, a.denominator * b.denominator);
}

export const productOf = (a: Rational, b: Rational): Rational =>
  make(a.numerator * b.numerator, a.exponent + b.exponent, a.denominator * b.denominator);

/** a / b for b ≠ 0. */
export function quotientOf(a: Rational, b: Rational): Rational {
  const sign = b.numerator < 0n ? -1n : 1n;
  return make(
    sign * a.numerator * b.denominator,
    a.exponent - b.exponent,
    sign * b.numerator * a.denominator,
  );
}

/** The sign of a − b: −1, 0 or 1. */
export function compare(a: Rational, b: Rational): number {
  const { numerator } = sumOf(a, negated(b));
  if (numerator === 0n) return 0;
  return numerator < 0n ? -1 : 1;
}

/** Whether a part has more than `digits` digits, or the exponent is as large. */
export const isLong = ({ numerator, exponent, denominator }: Rational, digits: number): boolean => {
  const limit = powerOfTen(digits);
  return (
    numerator >= limit || numerator <= -limit || denominator >= limit || Math.abs(exponent) > digits
  );
};

/** The number of binary digits of n > 0, at most 3 too many. */
const bitsOf = (n: bigint): number => 4 * n.toString(16).length;

/** Bits of the quotient that is rounded: a double has 53. */
const QUOTIENT_BITS = 70;

/**
 * The nearest double, ±∞ beyond their range. Among denormal numbers the error may exceed half a unit in the last place,
 * and is less than one.
 */
export function toDouble({ numerator, exponent, denominator }: Rational): number {
  if (numerator === 0n) return 0;
  const sign = numerator < 0n ? -1 : 1;
  let above = numerator < 0n ? -numerator : numerator;
  let below = denominator;
  if (exponent >= 0) above *= powerOfTen(exponent);
  else below *= powerOfTen(-exponent);
  const shift = QUOTIENT_BITS - bitsOf(above) + bitsOf(below);
  if (shift > 0) above <<= BigInt(shift);
  else below <<= BigInt(-shift);
  const quotient = above / below;
  // A last bit for the remainder makes the conversion round as the exact number would.
  const sticky = quotient * below === above ? 0n : 1n;
  const half = Math.trunc(shift / 2);
  return sign * (Number(2n * quotient + sticky) / 2) * 2 ** -half * 2 ** -(shift - half);
}
