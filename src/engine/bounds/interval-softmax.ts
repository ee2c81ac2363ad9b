import { linesOf } from "../graph/interpret-arrays.ts";
import { elementary, valuesOn } from "./elementary.ts";
import type { Interval } from "./interval.ts";
import { down, up } from "./rounding.ts";

type Range = readonly [number, number];

/**
 * 1 + Σⱼ exp(xⱼ − xᵢ) over j ≠ i on a line of intervals: the reciprocal of softmax element i. It grows with each xⱼ and
 * falls with xᵢ.
 */
function reciprocal(
  x: Interval,
  i: number,
  [start, step]: readonly [number, number],
  n: number,
): Range {
  let [low, high] = [1, 1];
  for (let k = 0; k < n; k++) {
    const j = start + k * step;
    if (j === i) continue;
    const least = down(x.lower[j] - x.upper[i]);
    const most = up(x.upper[j] - x.lower[i]);
    low = down(low + valuesOn(elementary.Exp, least, least)[0]);
    high = up(high + valuesOn(elementary.Exp, most, most)[1]);
  }
  return [Math.max(low, 1), Number.isNaN(high) ? Number.POSITIVE_INFINITY : high];
}

function perElement(x: Interval, axis: number, f: (reciprocal: Range) => Range): Interval {
  const [lower, upper] = [new Float64Array(x.lower.length), new Float64Array(x.lower.length)];
  for (const line of linesOf(x.shape, axis))
    for (let k = 0; k < x.shape[axis]; k++) {
      const i = line[0] + k * line[1];
      const [low, high] = f(reciprocal(x, i, line, x.shape[axis]));
      lower[i] = low;
      upper[i] = high;
    }
  return { shape: x.shape, lower, upper };
}

/** The interval of softmax along an axis. */
export const softmaxInterval = (x: Interval, axis: number): Interval =>
  perElement(x, axis, ([low, high]) => [Math.max(0, down(1 / high)), Math.min(1, up(1 / low))]);

/** The interval of log softmax along an axis. */
export const logSoftmaxInterval = (x: Interval, axis: number): Interval =>
  perElement(x, axis, ([low, high]) => [
    -valuesOn(elementary.Log, high, high)[1],
    Math.min(0, -valuesOn(elementary.Log, low, low)[0]),
  ]);
