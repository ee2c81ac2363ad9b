import { elementCount, type Shape } from "../../math/tensor.ts";
import { scatterAdd } from "../graph/indexing.ts";
import {
  concat,
  equal,
  expand,
  flip,
  mul,
  pad,
  reshape,
  scalarLike,
  sliceAxis,
  sum,
  where,
} from "../graph/ops.ts";
import type { PoolAttributes, SliceAttributes, Value } from "../graph/value.ts";
import { convInputGradient } from "../graph/windows.ts";

/** The adjoint of broadcasting: sums dy over the axes along which a value of `shape` was repeated. */
export function sumTo(dy: Value, shape: Shape): Value {
  const lead = dy.shape.length - shape.length;
  const repeated = dy.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < lead || (shape[axis - lead] === 1 && dy.shape[axis] !== 1));
  return repeated.length === 0 ? reshape(dy, shape) : reshape(sum(dy, repeated, true), shape);
}

/** A value reduced from `shape` over `axes`, with these axes of length 1, whether the reduction kept or dropped them. */
export const keepReduced = (y: Value, shape: Shape, axes: readonly number[]): Value =>
  reshape(
    y,
    shape.map((n, axis) => (axes.includes(axis) ? 1 : n)),
  );

/** The adjoint of a slice out of `shape`: dy at the indices of the slice, zeros elsewhere. */
export function unslice(dy: Value, shape: Shape, { starts, steps }: SliceAttributes): Value {
  let value = dy;
  for (let axis = 0; axis < shape.length; axis++) {
    const count = dy.shape[axis];
    const backwards = steps[axis] < 0;
    const step = Math.abs(steps[axis]);
    if (backwards) value = flip(value, axis);
    // The lowest index of the slice, and the number of indices above the highest.
    const first = backwards ? starts[axis] - (count - 1) * step : starts[axis];
    const after = shape[axis] - first - (count - 1) * step - 1;
    if (step > 1) value = interleaveZeros(value, axis, step);
    const zeros = (n: number) => shape.map((_, i) => (i === axis ? n : 0));
    value = pad(value, zeros(first), zeros(after));
  }
  return value;
}

/** x with step − 1 zeros between neighbours along one axis. */
function interleaveZeros(x: Value, axis: number, step: number): Value {
  const split = [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)];
  const gaps = split.map((n, i) => (i === axis + 1 ? step - 1 : n));
  const spaced = concat([reshape(x, split), expand(scalarLike(x, 0), gaps)], axis + 1);
  const merged = x.shape.map((n, i) => (i === axis ? n * step : n));
  return sliceAxis(reshape(spaced, merged), axis, 0, merged[axis] - step + 1);
}

/** The gradients by a and b of a maximum or minimum: dy to a where `first`, to b where `second`, and half to each on a tie. */
export function splitByComparison(
  dy: Value,
  [a, b]: readonly Value[],
  [first, second]: readonly [Value, Value],
): Value[] {
  const zero = scalarLike(dy, 0);
  const half = where(equal(a, b), mul(dy, scalarLike(dy, 0.5)), zero);
  return [sumTo(where(first, dy, half), a.shape), sumTo(where(second, dy, half), b.shape)];
}

/** The adjoint of a gather out of `shape`: adds each slice of dy to the slice that it was read from. */
export function ungather(dy: Value, indices: Value, axis: number, shape: Shape): Value {
  const count = elementCount(indices.shape);
  const flat = shape.with(axis, count);
  const column = reshape(
    indices,
    shape.map((_, i) => (i === axis ? count : 1)),
  );
  return scatterAdd(reshape(dy, flat), expand(column, flat), axis, shape);
}

/**
 * The adjoint of average pooling of images of `shape` [batch, channel, height, width]: spreads each element of dy evenly over
 * its window.
 */
export function unpool(dy: Value, shape: Shape, { kernel, ...attrs }: PoolAttributes): Value {
  const channels = shape[1];
  const share = 1 / (kernel[0] * kernel[1]);
  const windowsTile =
    attrs.pads.every((n) => n === 0) &&
    kernel.every((n, i) => n === attrs.strides[i] && n * dy.shape[i + 2] === shape[i + 2]) &&
    attrs.dilations.every((n) => n === 1);
  if (windowsTile) {
    const [batch, , rows, columns] = dy.shape;
    const split = [batch, channels, rows, 1, columns, 1];
    const whole = [batch, channels, rows, kernel[0], columns, kernel[1]];
    return reshape(expand(reshape(mul(dy, scalarLike(dy, share)), split), whole), shape);
  }
  const window = expand(scalarLike(dy, share), [channels, 1, ...kernel]);
  return convInputGradient(dy, window, shape, { ...attrs, groups: channels });
}
