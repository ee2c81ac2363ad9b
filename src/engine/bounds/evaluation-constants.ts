import { realNumbersOf } from "../graph/ops.ts";
import { is, type Value } from "../graph/value.ts";
import {
  applied,
  EXTRA,
  KERNEL,
  KERNELS,
  ROUNDED,
  SUMS,
  TINY,
  termsOf,
} from "./evaluation-sums.ts";
import { type Interval, intervalOf, magnitude } from "./interval.ts";
import { intervalOfNode } from "./interval-rules.ts";
import { down, gamma, up } from "./rounding.ts";

/**
 * How far float32 evaluations of the parts that depend on no input lie from their values, operator by operator, as
 * constants are folded. Only for parts where that is not 0.
 */
export function errorsOfConstants(exact: ReadonlyMap<Value, Interval>): Map<Value, Float64Array> {
  const evaluated = new Map<Value, Interval>();
  const errors = new Map<Value, Float64Array>();
  for (const [node, interval] of exact) {
    const wide = evaluatedConstant(node, interval, exact, evaluated);
    evaluated.set(node, wide);
    if (wide === interval || !node.dtype.startsWith("float")) continue;
    const distance = wide.upper.map((high, i) =>
      up(Math.max(high - interval.lower[i], interval.upper[i] - wide.lower[i])),
    );
    errors.set(node, distance);
  }
  return errors;
}

/** An interval that contains the exact value of a constant and those of all evaluations; `interval` itself if it does. */
function evaluatedConstant(
  node: Value,
  interval: Interval,
  exact: ReadonlyMap<Value, Interval>,
  evaluated: ReadonlyMap<Value, Interval>,
): Interval {
  const inputs = node.inputs.map((input) => evaluated.get(input) as Interval);
  const isSame = node.inputs.every((input, i) => inputs[i] === exact.get(input));
  if (is(node, "Constant")) {
    const { array } = node.attrs;
    if (realNumbersOf(array) === undefined) return interval;
    const stored = Float64Array.from(array.data as ArrayLike<number>, Number);
    return intervalOf(interval.shape, stored.length, (i) => [
      Math.min(interval.lower[i], stored[i]),
      Math.max(interval.upper[i], stored[i]),
    ]);
  }
  const rounds = SUMS.has(node.op) || KERNELS.has(node.op) || ROUNDED.has(node.op);
  if (isSame && (!rounds || !node.dtype.startsWith("float"))) return interval;
  const wide = isSame ? interval : intervalOfNode(node, inputs);
  if (!rounds) return wide;
  const sizes = SUMS.has(node.op) ? applied(node, inputs.map(magnitude)) : magnitude(wide);
  let factor = KERNELS.has(node.op) ? KERNEL : gamma(2, "float32");
  if (SUMS.has(node.op)) factor = gamma(termsOf(node) + EXTRA, "float32");
  return intervalOf(wide.shape, sizes.length, (i) => {
    const error = up(factor * sizes[i] + TINY * TINY);
    return [down(wide.lower[i] - error), up(wide.upper[i] + error)];
  });
}
