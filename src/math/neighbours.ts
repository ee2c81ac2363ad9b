// The neighbours of a floating-point number (IEEE 754-2019, §5.3.1, nextUp and nextDown), by adding 1 to its bits.

const float32 = new Float32Array(1);
const bits32 = new Int32Array(float32.buffer);
const float64 = new Float64Array(1);
const bits64 = new BigInt64Array(float64.buffer);

/** The smallest float32 above x, itself a float32; +∞ and NaN stay. */
export function nextUp32(x: number): number {
  if (Number.isNaN(x) || x === Number.POSITIVE_INFINITY) return x;
  float32[0] = x === 0 ? 0 : x; // −0 has the neighbours of 0
  bits32[0] += bits32[0] < 0 ? -1 : 1;
  return float32[0];
}

/** The largest float32 below x, itself a float32; −∞ and NaN stay. */
export const nextDown32 = (x: number): number => -nextUp32(-x);

/** The smallest double above x; +∞ and NaN stay. */
export function nextUp64(x: number): number {
  if (Number.isNaN(x) || x === Number.POSITIVE_INFINITY) return x;
  float64[0] = x === 0 ? 0 : x;
  bits64[0] += bits64[0] < 0n ? -1n : 1n;
  return float64[0];
}

/** The largest double below x; −∞ and NaN stay. */
export const nextDown64 = (x: number): number => -nextUp64(-x);

/** The smallest float32 that is at least x, for any double; +∞ above the largest float32. */
export function ceil32(x: number): number {
  const near = Math.fround(x);
  return near < x ? nextUp32(near) : near;
}

/** The largest float32 that is at most x, for any double; −∞ below the smallest float32. */
export const floor32 = (x: number): number => -ceil32(-x);
