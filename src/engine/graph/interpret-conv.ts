import { type DType, elementCount, type NdArray, type Shape } from "../../math/tensor.ts";
import type { ConvAttributes } from "./value.ts";

type Floats = Float32Array | Float64Array;

/**
 * Visits every product of a convolution y[output] += x[input] · w[weight] with x [batch, in, height, width] and
 * w [out, in / groups, rows, columns]. `multiply` gets flat indices. The three operators differ only in the array that they
 * write.
 */
export function visitProducts(
  [batch, channels, height, width]: Shape,
  [out, perGroup, rows, columns]: Shape,
  [, , outHeight, outWidth]: Shape,
  { strides, pads, dilations, groups }: ConvAttributes,
  multiply: (output: number, input: number, weight: number) => void,
): void {
  const outPerGroup = out / groups;
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < out; o++)
      for (let c = 0; c < perGroup; c++)
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++) {
            const channel = Math.floor(o / outPerGroup) * perGroup + c;
            const weight = ((o * perGroup + c) * rows + i) * columns + j;
            for (let p = 0; p < outHeight; p++) {
              const y = p * strides[0] + i * dilations[0] - pads[0];
              if (y < 0 || y >= height) continue;
              for (let q = 0; q < outWidth; q++) {
                const x = q * strides[1] + j * dilations[1] - pads[1];
                if (x < 0 || x >= width) continue;
                multiply(
                  ((n * out + o) * outHeight + p) * outWidth + q,
                  ((n * channels + channel) * height + y) * width + x,
                  weight,
                );
              }
            }
          }
}

// Sums are accumulated in float64 and rounded once.
const finish = (dtype: DType, shape: Shape, total: Float64Array): NdArray =>
  dtype === "float64"
    ? { dtype, shape, data: total }
    : { dtype: "float32", shape, data: Float32Array.from(total) };

/** conv(x, w), of `shape` [batch, out, height, width]. */
export function convolve(
  dtype: DType,
  shape: Shape,
  x: NdArray,
  w: NdArray,
  attrs: ConvAttributes,
): NdArray {
  const total = new Float64Array(elementCount(shape));
  const [xs, ws] = [x.data as Floats, w.data as Floats];
  visitProducts(x.shape, w.shape, shape, attrs, (output, input, weight) => {
    total[output] += xs[input] * ws[weight];
  });
  return finish(dtype, shape, total);
}

/** ∂⟨conv(x, w), dy⟩/∂x, of `inputShape` [batch, in, height, width]. */
export function convolveInputGradient(
  dtype: DType,
  dy: NdArray,
  w: NdArray,
  attrs: ConvAttributes & { readonly inputShape: Shape },
): NdArray {
  const total = new Float64Array(elementCount(attrs.inputShape));
  const [ys, ws] = [dy.data as Floats, w.data as Floats];
  visitProducts(attrs.inputShape, w.shape, dy.shape, attrs, (output, input, weight) => {
    total[input] += ys[output] * ws[weight];
  });
  return finish(dtype, attrs.inputShape, total);
}

/** ∂⟨conv(x, w), dy⟩/∂w, of `shape` [out, in / groups, rows, columns]. */
export function convolveWeightGradient(
  dtype: DType,
  shape: Shape,
  x: NdArray,
  dy: NdArray,
  attrs: ConvAttributes,
): NdArray {
  const total = new Float64Array(elementCount(shape));
  const [xs, ys] = [x.data as Floats, dy.data as Floats];
  visitProducts(x.shape, shape, dy.shape, attrs, (output, input, weight) => {
    total[weight] += xs[input] * ys[output];
  });
  return finish(dtype, shape, total);
}
