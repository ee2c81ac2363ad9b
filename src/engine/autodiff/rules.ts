import { elementCount } from "../../math/tensor.ts";
import { gatherElements, scatterAdd } from "../graph/indexing.ts";
import {
  add,
  cast,
  cos,
  div,
  equal,
  exp,
  expand,
  greater,
  log,
  matmul,
  mul,
  neg,
  or,
  pow,
  reshape,
  scalarLike,
  sign,
  sin,
  sliceAxis,
  sub,
  sum,
  transpose,
  where,
} from "../graph/ops.ts";
import type { Op, Value } from "../graph/value.ts";
import { conv, convInputGradient, convWeightGradient, maxPoolIndices } from "../graph/windows.ts";
import { keepReduced, splitByComparison, sumTo, ungather, unpool, unslice } from "./adjoints.ts";

/**
 * The gradient rule of an operator: builds ∂L/∂input for each input of y = op(inputs), given dy = ∂L/∂y. Null stands for an
 * input without a gradient.
 */
export type Rule<O extends Op> = (y: Value<O>, dy: Value) => readonly (Value | null)[];

/** v with its last two axes swapped. */
const swapLast = (v: Value) => {
  const axes = v.shape.map((_, axis) => axis);
  return transpose(v, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
};

/** One rule per source operator. The type makes an operator without a rule a compile error. */
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
  // y′ = 1 / (2y), which is ∞ at x = 0, as in PyTorch and JAX.
  Sqrt: (y, dy) => [div(mul(dy, scalarLike(y, 0.5)), y)],
  // y′ = 1 − y²
  Tanh: (y, dy) => [mul(dy, sub(scalarLike(y, 1), mul(y, y)))],
  // y′ = y (1 − y)
  Sigmoid: (y, dy) => [mul(dy, mul(y, sub(scalarLike(y, 1), y)))],
  // y′ = 0 at the kink x = 0, as in PyTorch and JAX. (y > 0 ⇔ x > 0.)
  Relu: (y, dy) => [where(greater(y, scalarLike(y, 0)), dy, scalarLike(dy, 0))],
  Abs: ({ inputs: [x] }, dy) => [mul(dy, sign(x))],
  // Constant almost everywhere. StraightThrough passes a gradient around them.
  Sign: () => [null],
  Floor: () => [null],
  Ceil: () => [null],
  Round: () => [null],
  Greater: () => [null, null],
  Equal: () => [null, null],
  And: () => [null, null],
  Or: () => [null, null],
  Not: () => [null],
  ArgMax: () => [null],
  TopKIndices: () => [null],
  MaxPoolIndices: () => [null],
  StraightThrough: (_, dy) => [null, dy],

  // y′ = 2/√π · exp(−x²)
  Erf: ({ inputs: [x] }, dy) => [
    mul(dy, mul(scalarLike(x, 2 / Math.sqrt(Math.PI)), exp(neg(mul(x, x))))),
  ],
  Sin: ({ inputs: [x] }, dy) => [mul(dy, cos(x))],
  Cos: ({ inputs: [x] }, dy) => [neg(mul(dy, sin(x)))],
  // y′ = 1 / (1 + x²)
  Atan: ({ inputs: [x] }, dy) => [div(dy, add(scalarLike(x, 1), mul(x, x)))],
  // ∂y/∂a = b · aᵇ⁻¹, and 0 for b = 0. ∂y/∂b = aᵇ · log a, and 0 for a ≤ 0 (PyTorch: NaN for a < 0).
  Pow: (y, dy) => {
    const [a, b] = y.inputs;
    const zero = scalarLike(a, 0);
    const byBase = where(equal(b, zero), zero, mul(b, pow(a, sub(b, scalarLike(b, 1)))));
    const positive = greater(a, zero);
    const logarithm = log(where(positive, a, scalarLike(a, 1)));
    const byExponent = where(positive, mul(y, logarithm), zero);
    return [sumTo(mul(dy, byBase), a.shape), sumTo(mul(dy, byExponent), b.shape)];
  },
  // Ties share the gradient equally, as in PyTorch's maximum and minimum.
  Max: ({ inputs }, dy) => {
    const [a, b] = inputs;
    return splitByComparison(dy, inputs, [greater(a, b), greater(b, a)]);
  },
  Min: ({ inputs }, dy) => {
    const [a, b] = inputs;
    return splitByComparison(dy, inputs, [greater(b, a), greater(a, b)]);
  },
  // y′ = 1 at the bounds, as in PyTorch's clamp: a black pixel clipped to [0, 1] has a gradient.
  Clip: ({ inputs: [x], attrs: { low, high } }, dy) => {
    const outside = or(greater(scalarLike(x, low), x), greater(x, scalarLike(x, high)));
    return [where(outside, scalarLike(dy, 0), dy)];
  },
  Where: ({ inputs: [c, a, b] }, dy) => {
    const zero = scalarLike(dy, 0);
    return [null, sumTo(where(c, dy, zero), a.shape), sumTo(where(c, zero, dy), b.shape)];
  },
  Cast: ({ inputs: [x] }, dy) => [x.dtype.startsWith("float") ? cast(dy, x.dtype) : null],
  StopGradient: () => [null],

  // da = dy · bᵀ and db = aᵀ · dy, summed over axes along which a or b was broadcast.
  MatMul: ({ inputs: [a, b] }, dy) => [
    sumTo(matmul(dy, swapLast(b)), a.shape),
    sumTo(matmul(swapLast(a), dy), b.shape),
  ],
  // dx = y ⊙ (dy − Σ dy ⊙ y)
  Softmax: (y, dy) => [mul(y, sub(dy, sum(mul(dy, y), [y.attrs.axis], true)))],
  // y = x − log Σ eˣ ⇒ dx = dy − eʸ · Σ dy
  LogSoftmax: (y, dy) => [sub(dy, mul(exp(y), sum(dy, [y.attrs.axis], true)))],
  ReduceSum: ({ inputs: [x], attrs }, dy) => [
    expand(keepReduced(dy, x.shape, attrs.axes), x.shape),
  ],
  // Ties share the gradient equally, as in PyTorch's amax and in JAX.
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

  Gather: ({ inputs: [x, indices], attrs: { axis } }, dy) => [
    ungather(dy, indices, axis, x.shape),
    null,
  ],
  GatherElements: ({ inputs: [x, indices], attrs: { axis } }, dy) => [
    scatterAdd(dy, indices, axis, x.shape),
    null,
  ],
  ScatterAdd: ({ inputs: [, indices], attrs: { axis } }, dy) => [
    gatherElements(dy, indices, axis),
    null,
  ],

  // The first of tied elements gets the whole gradient, as in PyTorch's max_pool2d.
  MaxPool: (y, dy) => {
    const [x] = y.inputs;
    const flat = (v: Value) => reshape(v, [elementCount(v.shape)]);
    const indices = maxPoolIndices(x, y.attrs);
    return [reshape(scatterAdd(flat(dy), flat(indices), 0, [elementCount(x.shape)]), x.shape)];
  },
  AveragePool: ({ inputs: [x], attrs }, dy) => [unpool(dy, x.shape, attrs)],

  // Each of the three is bilinear, and its derivatives are the other two (Dumoulin & Visin 2016, arXiv:1603.07285, §4).
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
