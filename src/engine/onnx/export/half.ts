// Rounds float32 to 16-bit floats: to nearest, ties to even (IEEE 754).

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** value / 2^shift, rounded to the nearest integer, ties to even. */
function shifted(value: number, shift: number): number {
  const half = 2 ** (shift - 1);
  const quotient = Math.floor(value / 2 ** shift);
  const rest = value - quotient * 2 ** shift;
  return rest > half || (rest === half && quotient % 2 === 1) ? quotient + 1 : quotient;
}

/** The largest finite number of half precision. */
const MAX_HALF = 65504;

/** The bits of a number in half precision. Numbers out of range become ±`MAX_HALF`. */
export function halfBits(value: number): number {
  floats[0] = Math.min(Math.max(value, -MAX_HALF), MAX_HALF);
  const sign = (bits[0] >>> 16) & 0x8000;
  const exponent = ((bits[0] >>> 23) & 255) - 127;
  const fraction = bits[0] & 0x7fffff;
  if (exponent >= -14) return sign | (((exponent + 15) << 10) + shifted(fraction, 13));
  if (exponent < -25) return sign;
  return sign | shifted(fraction | 0x800000, -exponent - 1);
}

/** The bits of a number in bfloat16: the upper half of a float32, rounded. */
export function brainBits(value: number): number {
  floats[0] = value;
  return shifted(bits[0], 16) & 0xffff;
}
