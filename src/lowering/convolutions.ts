// The two gradients of a convolution in operators that ONNX has.

import type { Lowered } from "../graph/lowered.ts";
import type { Value } from "../graph/value.ts";
import type { DType, Shape } from "../math/tensor.ts";
import type { Builder } from "./builder.ts";

/** Makes the small shape operators that both gradients need. */
function shaping(b: Builder, dtype: DType) {
  return {
    reshape: (x: Lowered, shape: Shape) => b.make("Reshape", [x], { shape }, dtype, shape),
    transpose: (x: Lowered, perm: readonly number[]) =>
      b.make(
        "Transpose",
        [x],
        { perm },
        dtype,
        perm.map((axis) => x.shape[axis]),
      ),
    slice: (
      x: Lowered,
      starts: readonly number[],
      stops: readonly number[],
      steps: readonly number[],
    ) =>
      b.make(
        "Slice",
        [x],
        { starts, stops, steps },
        dtype,
        starts.map((start, axis) => Math.max(0, Math.ceil((stops[axis] - start) / steps[axis]))),
      ),
    concat: (parts: readonly Lowered[], axis: number) =>
      parts.length === 1
        ? parts[0]
        : b.make(
            "Concat",
            parts,
            { axis },
            dtype,
            parts[0].shape.map((n, i) =>
              i === axis ? parts.reduce((total, { shape }) => total + shape[axis], 0) : n,
            ),
          ),
  };
}

/**
 * ∂L/∂x. With stride 1 it is a convolution of dy with the kernel turned by 180° and its channel axes
 * exchanged, which runs faster than ONNX's ConvTranspose; else ConvTranspose.
 */
export function inputGradient(
  b: Builder,
  { attrs: { inputShape, ...attrs }, dtype }: Value<"ConvInputGradient">,
  [dy, w]: readonly Lowered[],
): Lowered {
  const { strides, pads, dilations, groups } = attrs;
  const kernel = w.shape.slice(2);
  const reach = kernel.map((n, i) => (n - 1) * dilations[i]);
  const flippedPads = [0, 1, 2, 3].map((i) => reach[i % 2] - pads[i]);
  if (strides.every((s) => s === 1) && groups === 1 && flippedPads.every((n) => n >= 0)) {
    const { slice, transpose } = shaping(b, dtype);
    const [out, into, rows, columns] = w.shape;
    const turned = slice(w, [0, 0, rows - 1, columns - 1], [out, into, -1, -1], [1, 1, -1, -1]);
    const flipped = rows * columns === 1 ? w : turned;
    const swapped = transpose(flipped, [1, 0, 2, 3]);
    return b.make("Conv", [dy, swapped], { ...attrs, pads: flippedPads }, dtype, inputShape);
  }
  // Rows of x below the last window get no gradient: output padding, less than one stride.
  const outputPadding = [0, 1].map(
    (i) =>
      inputShape[i + 2] -
      ((dy.shape[i + 2] - 1) * strides[i] - pads[i] - pads[i + 2] + reach[i] + 1),
  );
  return b.make("ConvTranspose", [dy, w], { ...attrs, outputPadding }, dtype, inputShape);
}

/** ∂L/∂w: for each offset of the kernel, the pixels of x that it saw times dy, as one matrix product per example. */
export function weightGradient(
  b: Builder,
  node: Value<"ConvWeightGradient">,
  [x, dy]: readonly Lowered[],
): Lowered {
  const { dtype, shape, attrs } = node;
  const { strides, pads, dilations, groups, kernelShape } = attrs;
  const { reshape, transpose, slice, concat } = shaping(b, dtype);
  const [batch, channels] = x.shape;
  const [, out, height, width] = dy.shape;
  if (groups > 1) {
    const part = (v: Lowered, g: number) => {
      const size = v.shape[1] / groups;
      const stops = [v.shape[0], (g + 1) * size, v.shape[2], v.shape[3]];
      return slice(v, [0, g * size, 0, 0], stops, [1, 1, 1, 1]);
    };
    const single = { ...attrs, groups: 1 };
    const gradients = Array.from({ length: groups }, (_, g) =>
      weightGradient(b, { ...node, attrs: single, shape: [out / groups, ...shape.slice(1)] }, [
        part(x, g),
        part(dy, g),
      ]),
    );
    return concat(gradients, 0);
  }
  const padded = pads.every((n) => n === 0)
    ? x
    : b.make(
        "Pad",
        [x],
        { before: [0, 0, pads[0], pads[1]], after: [0, 0, pads[2], pads[3]] },
        dtype,
        [batch, channels, x.shape[2] + pads[0] + pads[2], x.shape[3] + pads[1] + pads[3]],
      );
  const seen: Lowered[] = [];
  for (let i = 0; i < kernelShape[0]; i++)
    for (let j = 0; j < kernelShape[1]; j++) {
      const [top, left] = [i * dilations[0], j * dilations[1]];
      const bottom = top + (height - 1) * strides[0] + 1;
      const right = left + (width - 1) * strides[1] + 1;
      const window = slice(
        padded,
        [0, 0, top, left],
        [batch, channels, bottom, right],
        [1, 1, ...strides],
      );
      seen.push(reshape(window, [batch, channels, height * width]));
    }
  // [batch, out, pixel] · [batch, offset · channel, pixel]ᵀ, summed over the batch.
  const taps = seen.length;
  const products = b.make(
    "FusedMatMul",
    [reshape(dy, [batch, out, height * width]), concat(seen, 1)],
    { transA: false, transB: true, alpha: 1 },
    dtype,
    [batch, out, taps * channels],
  );
  const total = b.make("ReduceSum", [products], { axes: [0], keepdims: false }, dtype, [
    out,
    taps * channels,
  ]);
  const [rows, columns] = kernelShape;
  return transpose(reshape(total, [out, rows, columns, channels]), [0, 3, 1, 2]);
}
