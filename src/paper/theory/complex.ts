// Arithmetic on complex numbers for the contour integrals.

/** A complex number: real and imaginary part. */
export type Complex = readonly [re: number, im: number];

/** The sum a + b. */
export const add = (a: Complex, b: Complex): Complex => [a[0] + b[0], a[1] + b[1]];

/** The product of a complex and a real number. */
export const scale = (a: Complex, by: number): Complex => [a[0] * by, a[1] * by];

/** The product a · b. */
export const mul = (a: Complex, b: Complex): Complex => [
  a[0] * b[0] - a[1] * b[1],
  a[0] * b[1] + a[1] * b[0],
];

/** The quotient a / b. */
export const div = (a: Complex, b: Complex): Complex =>
  scale(mul(a, [b[0], -b[1]]), 1 / (b[0] * b[0] + b[1] * b[1]));

/** The exponential eᵃ. */
export const exp = (a: Complex): Complex => {
  const size = Math.exp(a[0]);
  return [size * Math.cos(a[1]), size * Math.sin(a[1])];
};

/** The principal logarithm: its imaginary part is in [−π, π]. */
export const log = (a: Complex): Complex => [
  Math.log(Math.hypot(a[0], a[1])),
  Math.atan2(a[1], a[0]),
];
