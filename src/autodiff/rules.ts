import {
  cast,
  conv,
  convInputGradient,
  convWeightGradient,
  div,
  exp,
  expand,
  greater,
  matmul,
  mul,
  neg,
  reshape,
  scalarLike,
  sliceAxis,
  sub,
  sum,
  transpose,
  where,
} from "../graph/ops.ts";
import type { Op, Value } from "../graph/value.ts";
import { keepReduced, sumTo, unslice } from "./shapes.ts";

/**
 * Given y = op(inputs) and dy = ∂L/∂y, builds ∂L/∂input for each input in turn, or null for an
 * input that has no gradient. A rule builds graph, it computes nothing.
 */
export type Rule<O extends Op> = (y: Value<O>, dy: Value) => readonly (Value | null)[];

const swapLast = (v: Value) => {
  const axes = v.shape.map((_, axis) => axis);
  return transpose(v, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
};

/** One entry per source operator: one whose gradient nobody has thought about does not compile. */
export const rules: { readonly [O in Op]: Rule<O> } = {
  Input: () => [],
  Constant: () => [],

  Add: ({ inputs: [a, b] }, dy) => [sumTo(dy, a.shape), sumTo(dy, b.shape)],
  Sub: ({ inputs: [a, b] }, dy) => [sumTo(dy, a.shape), neg(sumTo(dy, b.shape))],
  Mul: ({ inputs: [a, b] }, dy) => [sumTo(mul(dy, b), a.shape), sumTo(mul(dy, a), b.shape)],
  Div: (y, dy) => {
    const [a, b] = y.inputs;
    const da = div(dy, b);
    return [sumTo(da, a.shape), neg(sumTo(mul(da, y), b.shape))];
  },
  Neg: (_, dy) => [neg(dy)],
  Exp: (y, dy) => [mul(dy, y)],
  Log: ({ inputs: [x] }, dy) => [div(dy, x)],
  // ∞ at x = 0, as PyTorch and JAX.
  Sqrt: (y, dy) => [div(mul(dy, scalarLike(y, 0.5)), y)],
  // y′ = 1 − y²
  Tanh: (y, dy) => [mul(dy, sub(scalarLike(y, 1), mul(y, y)))],
  // y′ = y (1 − y)
  Sigmoid: (y, dy) => [mul(dy, mul(y, sub(scalarLike(y, 1), y)))],
  // At the kink x = 0 we choose 0, as PyTorch and JAX's relu do. (y > 0 exactly where x > 0.)
  Relu: (y, dy) => [where(greater(y, scalarLike(y, 0)), dy, scalarLike(dy, 0))],
  // Constant almost everywhere.
  Greater: () => [null, null],
  Where: ({ inputs: [c, a, b] }, dy) => {
    const zero = scalarLike(dy, 0);
    return [null, sumTo(where(c, dy, zero), a.shape), sumTo(where(c, zero, dy), b.shape)];
  },
  Cast: ({ inputs: [x] }, dy) => [x.dtype.startsWith("float") ? cast(dy, x.dtype) : null],
  StopGradient: () => [null],

  // Batches that one side was broadcast over are summed.
  MatMul: ({ inputs: [a, b] }, dy) => [
    sumTo(matmul(dy, swapLast(b)), a.shape),
    sumTo(matmul(swapLast(a), dy), b.shape),
  ],
  // ∂L/∂x = y ⊙ (dy − Σ dy ⊙ y)
  Softmax: (y, dy) => [mul(y, sub(dy, sum(mul(dy, y), [y.attrs.axis], true)))],
  // y = x − log Σ eˣ  ⇒  ∂L/∂x = dy − softmax(x) · Σ dy
  LogSoftmax: (y, dy) => [sub(dy, mul(exp(y), sum(dy, [y.attrs.axis], true)))],
  ReduceSum: ({ inputs: [x], attrs }, dy) => [
    expand(keepReduced(dy, x.shape, attrs.axes), x.shape),
  ],
  // Ties share the gradient equally, as PyTorch's amax and JAX do; no choice is canonical.
  ReduceMax: (y, dy) => {
    const [x] = y.inputs;
    const top = keepReduced(y, x.shape, y.attrs.axes);
    const one = scalarLike(x, 1);
    const winners = where(greater(top, x), scalarLike(x, 0), one);
    const share = div(keepReduced(dy, x.shape, y.attrs.axes), sum(winners, y.attrs.axes, true));
    return [mul(winners, share)];
  },

  Reshape: ({ inputs: [x] }, dy) => [reshape(dy, x.shape)],
  Transpose: ({ attrs: { perm } }, dy) => [
    transpose(
      dy,
      perm.map((_, axis) => perm.indexOf(axis)),
    ),
  ],
  Expand: ({ inputs: [x] }, dy) => [sumTo(dy, x.shape)],
  Slice: ({ inputs: [x], attrs }, dy) => [unslice(dy, x.shape, attrs)],
  Concat: ({ inputs, attrs: { axis } }, dy) => {
    let start = 0;
    return inputs.map(({ shape }) => {
      const part = sliceAxis(dy, axis, start, start + shape[axis]);
      start += shape[axis];
      return part;
    });
  },
  Pad: ({ inputs: [x], attrs: { before } }, dy) => [
    x.shape.reduce((v, n, axis) => sliceAxis(v, axis, before[axis], before[axis] + n), dy),
  ],

  // Each of the three is bilinear, and its derivatives are the other two (Dumoulin & Visin 2016,
  // arXiv:1603.07285, §4).
  Conv: ({ inputs: [x, w], attrs }, dy) => [
    convInputGradient(dy, w, x.shape, attrs),
    convWeightGradient(x, dy, w.shape.slice(2), attrs),
  ],
  ConvInputGradient: ({ inputs: [dy, w], attrs: { inputShape: _, ...attrs } }, dx) => [
    conv(dx, w, attrs),
    convWeightGradient(dx, dy, w.shape.slice(2), attrs),
  ],
  ConvWeightGradient: ({ inputs: [x, dy], attrs: { kernelShape: _, ...attrs } }, dw) => [
    convInputGradient(dy, dw, x.shape, attrs),
    conv(x, dw, attrs),
  ],
};
