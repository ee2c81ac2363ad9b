import type { DType, NdArray, Shape } from "../../math/tensor.ts";

/** An operator without attributes. */
export type None = Record<string, never>;

/** Geometry of a two-dimensional convolution, in the order of ONNX. */
export interface ConvAttributes {
  /** [rows, columns]. */
  readonly strides: readonly number[];
  /** [top, left, bottom, right]. */
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly groups: number;
}

/** Per axis: first index, the index to stop before, and the step; with a negative step, stop −1 is "before 0". */
export interface SliceAttributes {
  readonly starts: readonly number[];
  readonly stops: readonly number[];
  readonly steps: readonly number[];
}

/** Geometry of a pooling window over two axes, in the order of ONNX. */
export interface PoolAttributes {
  /** [rows, columns]. */
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  /** [top, left, bottom, right]. */
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
}

/** Axes are non-negative and ascending. */
export interface ReduceAttributes {
  readonly axes: readonly number[];
  readonly keepdims: boolean;
}

/** The attributes of each source operator; its keys are the operators that a model may be written in. */
export interface Attributes {
  Input: { readonly name: string };
  Constant: { readonly array: NdArray };

  Add: None;
  Sub: None;
  Mul: None;
  Div: None;
  Neg: None;
  Exp: None;
  Log: None;
  Sqrt: None;
  Tanh: None;
  Sigmoid: None;
  Relu: None;
  Abs: None;
  Sign: None;
  Floor: None;
  Ceil: None;
  /** To the nearest whole number, halves to the even one. */
  Round: None;
  Erf: None;
  Sin: None;
  Cos: None;
  Atan: None;
  /** a to the power of b. */
  Pow: None;
  Max: None;
  Min: None;
  /** The nearest number in [low, high]. */
  Clip: { readonly low: number; readonly high: number };
  Greater: None;
  Equal: None;
  And: None;
  Or: None;
  Not: None;
  /** condition ? a : b. */
  Where: None;
  Cast: { readonly to: DType };
  /** The value, through which no gradient flows. */
  StopGradient: None;
  /** (y, x) ↦ y, whose gradient goes to x unchanged (Bengio et al. 2013, arXiv:1308.3432). */
  StraightThrough: None;

  MatMul: None;
  Softmax: { readonly axis: number };
  LogSoftmax: { readonly axis: number };
  ReduceSum: ReduceAttributes;
  ReduceMax: ReduceAttributes;

  Reshape: { readonly shape: Shape };
  Transpose: { readonly perm: readonly number[] };
  Expand: { readonly shape: Shape };
  Slice: SliceAttributes;
  Concat: { readonly axis: number };
  /** Zeros before and after, per axis. */
  Pad: { readonly before: readonly number[]; readonly after: readonly number[] };

  /** (x, indices): the slices of x along `axis` at indices (not negative), whose axes stand in the place of that axis. */
  Gather: { readonly axis: number };
  /** (x, indices): per element of indices the one of x with this index along `axis`, and its own along the others. */
  GatherElements: { readonly axis: number };
  /** (updates, indices) ↦ zeros of `shape` with each update added where GatherElements would read it. */
  ScatterAdd: { readonly axis: number; readonly shape: Shape };
  /** Index of the largest element along `axis`, which stays with length 1; the first one on a tie. */
  ArgMax: { readonly axis: number };
  /** Indices of the k largest (or smallest) elements along `axis`, the most extreme first. */
  TopKIndices: { readonly axis: number; readonly k: number; readonly largest: boolean };

  /** The largest element of each window [batch, channel, height, width]; pads count as −∞. */
  MaxPool: PoolAttributes;
  /** Where that element stands, counted through all of x. */
  MaxPoolIndices: PoolAttributes;
  /** The mean of each window; pads count as zeros. */
  AveragePool: PoolAttributes;

  /** (x, w): the three convolution operators are each other's derivatives, so the set is closed. */
  Conv: ConvAttributes;
  /** (dy, w) ↦ ∂⟨conv(x, w), dy⟩/∂x; `inputShape` is [batch, channel, height, width] of x. */
  ConvInputGradient: ConvAttributes & { readonly inputShape: Shape };
  /** (x, dy) ↦ ∂⟨conv(x, w), dy⟩/∂w; `kernelShape` is [height, width] of w. */
  ConvWeightGradient: ConvAttributes & { readonly kernelShape: Shape };
}

export type Op = keyof Attributes;

/** A node of the expression graph: immutable, so a graph is simply what its outputs can reach. */
export interface Value<O extends Op = Op> {
  readonly op: O;
  readonly inputs: readonly Value[];
  readonly attrs: Attributes[O];
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Whether `value` is of this operator; narrows its attributes. */
export const is = <O extends Op>(value: Value, op: O): value is Value<O> => value.op === op;

/** All nodes that `outputs` reach, inputs before users; the inputs of a node in their order, or from the last one on. */
export function topological<V extends { readonly inputs: readonly V[] }>(
  outputs: readonly V[],
  { lastInputsFirst = false } = {},
): V[] {
  const order: V[] = [];
  const done = new Set<V>();
  const stack: { node: V; next: number }[] = [];
  for (const output of outputs) {
    if (!done.has(output)) stack.push({ node: output, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const { inputs } = top.node;
      const input = inputs[lastInputsFirst ? inputs.length - 1 - top.next : top.next];
      top.next++;
      if (input === undefined) {
        stack.pop();
        if (!done.has(top.node)) order.push(top.node);
        done.add(top.node);
      } else if (!done.has(input)) stack.push({ node: input, next: 0 });
    }
  }
  return order;
}
