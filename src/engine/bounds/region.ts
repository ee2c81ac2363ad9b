import { down, up } from "./rounding.ts";

/** ‖x − centre‖ ≤ radius, for norms other than the maximum, which is a box. */
export interface NormBall {
  readonly norm: "l1" | "l2";
  readonly centre: Float64Array;
  readonly radius: number;
}

/** The inputs that a bound is about: a box, cut with a ball if there is one. Row-major order. */
export interface InputRegion {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly ball?: NormBall | undefined;
}

/**
 * The box {max(low, c − ε) ≤ x ≤ min(high, c + ε)}, rounded outward. Throws `RangeError` if the centre lies outside of
 * [low, high]: an empty box would prove everything.
 */
export function boxAround(
  centre: ArrayLike<number>,
  epsilon: number,
  [low, high]: readonly [number, number],
): InputRegion {
  const values = Float64Array.from(centre);
  const wrong = values.find((c) => !(low <= c && c <= high));
  if (wrong !== undefined)
    throw new RangeError(
      `the centre of a box has the value ${wrong}, which is outside [${low}, ${high}]`,
    );
  if (!(epsilon >= 0))
    throw new RangeError(`the radius of a box is ${epsilon}, but must be at least 0`);
  return {
    lower: values.map((c) => Math.max(low, down(c - epsilon))),
    upper: values.map((c) => Math.min(high, up(c + epsilon))),
  };
}

/** A ball of a norm, cut with the pixel range. Its box is that of the maximum norm with the same radius. */
export function ballAround(
  norm: "linf" | "l2" | "l1",
  centre: ArrayLike<number>,
  epsilon: number,
  range: readonly [number, number],
): InputRegion {
  const box = boxAround(centre, epsilon, range);
  if (norm === "linf") return box;
  const ball: NormBall = { norm, centre: Float64Array.from(centre), radius: up(epsilon) };
  return { lower: box.lower, upper: box.upper, ball };
}
