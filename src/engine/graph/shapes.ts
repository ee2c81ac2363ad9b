import type { Shape } from "../../math/tensor.ts";
import type { ConvAttributes, PoolAttributes, SliceAttributes } from "./value.ts";

const text = (shape: Shape) => `[${shape.join(", ")}]`;

/** The common shape of arrays that are broadcast against each other, by NumPy's rule. */
export function broadcast(...shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const lengths = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const length = lengths.find((n) => n !== 1) ?? 1;
    if (lengths.some((n) => n !== 1 && n !== length))
      throw new Error(`cannot broadcast ${shapes.map(text).join(" with ")}`);
    return length;
  });
}

/** [height, width] of the result of a convolution, for `input` [height, width] and `kernel` [rows, columns]. */
export function convSpatial(
  input: Shape,
  kernel: Shape,
  { strides, pads, dilations }: ConvAttributes,
): Shape {
  return input.map((length, i) => {
    const extent = (kernel[i] - 1) * dilations[i] + 1;
    const out = Math.floor((length + pads[i] + pads[i + 2] - extent) / strides[i]) + 1;
    if (out < 1)
      throw new Error(`a kernel of ${text(kernel)} does not fit into images of ${text(input)}`);
    return out;
  });
}

/** The result's shape [batch, out, height, width]. Throws if x [batch, in, …] and w [out, in / groups, …] do not fit. */
export function convShape(x: Shape, w: Shape, attrs: ConvAttributes): Shape {
  if (x.length !== 4 || w.length !== 4)
    throw new Error(`convolution needs 4 axes, got x ${text(x)} and w ${text(w)}`);
  if (x[1] !== w[1] * attrs.groups || w[0] % attrs.groups !== 0)
    throw new Error(`weights ${text(w)} in ${attrs.groups} groups do not fit x ${text(x)}`);
  return [x[0], w[0], ...convSpatial(x.slice(2), w.slice(2), attrs)];
}

/** The shape after a reduction over `axes`. */
export const reduced = (shape: Shape, axes: readonly number[], keepdims: boolean): Shape =>
  keepdims
    ? shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
    : shape.filter((_, axis) => !axes.includes(axis));

/** The shape of a matrix product: […, m, k] and […, k, n] → […, m, n], the leading axes broadcast. */
export function matmulShape(a: Shape, b: Shape): Shape {
  if (a.length < 2 || b.length < 2 || a[a.length - 1] !== b[b.length - 2])
    throw new Error(`cannot multiply matrices ${text(a)} and ${text(b)}`);
  const batch = broadcast(a.slice(0, -2), b.slice(0, -2));
  return [...batch, a[a.length - 2], b[b.length - 1]];
}

/** The shape of a slice: ⌈(stop − start) / step⌉ per axis. */
export const sliceShape = (shape: Shape, { starts, stops, steps }: SliceAttributes): Shape =>
  shape.map((_, axis) => Math.max(0, Math.ceil((stops[axis] - starts[axis]) / steps[axis])));

/** The shape of a pooling result, [batch, channel, height, width]. Throws if the window is larger than the padded image. */
export function poolShape(x: Shape, { kernel, ...attrs }: PoolAttributes): Shape {
  if (x.length !== 4) throw new Error(`pooling needs 4 axes, got ${text(x)}`);
  return [x[0], x[1], ...convSpatial(x.slice(2), kernel, { ...attrs, groups: 1 })];
}
