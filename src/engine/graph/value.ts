import type { DType, NdArray, Shape } from "../../math/tensor.ts";

/** The attributes of an operator that has none. */
export type NoAttributes = Record<string, never>;

/** Geometry of a two-dimensional convolution, as in ONNX. */
export interface ConvAttributes {
  /** [rows, columns]. */
  readonly strides: readonly number[];
  /** [top, left, bottom, right]. */
  readonly pads: readonly number[];
  /** [rows, columns]. */
  readonly dilations: readonly number[];
  readonly groups: number;
}

/** Per axis: the first index, the index to stop before, and the step. With a negative step, stop −1 includes index 0. */
export interface SliceAttributes {
  readonly starts: readonly number[];
  readonly stops: readonly number[];
  readonly steps: readonly number[];
}

/** Geometry of a two-dimensional pooling window, as in ONNX. */
export interface PoolAttributes {
  /** [rows, columns]. */
  readonly kernel: readonly number[];
  /** [rows, columns]. */
  readonly strides: readonly number[];
  /** [top, left, bottom, right]. */
  readonly pads: readonly number[];
  /** [rows, columns]. */
  readonly dilations: readonly number[];
}

/** The axes of a reduction, non-negative and ascending. */
export interface ReduceAttributes {
  readonly axes: readonly number[];
  /** Whether reduced axes stay, with length 1. */
  readonly keepdims: boolean;
}

/** The attributes of each source operator. The keys are the operators that models are built from. */
export interface Attributes {
  Input: { readonly name: string };
  Constant: { readonly array: NdArray };

  Add: NoAttributes;
  Sub: NoAttributes;
  Mul: NoAttributes;
  Div: NoAttributes;
  Neg: NoAttributes;
  Exp: NoAttributes;
  Log: NoAttributes;
  Sqrt: NoAttributes;
  Tanh: NoAttributes;
  Sigmoid: NoAttributes;
  Relu: NoAttributes;
  Abs: NoAttributes;
  Sign: NoAttributes;
  Floor: NoAttributes;
  Ceil: NoAttributes;
  /** Rounds to the nearest integer, ties to even. */
  Round: NoAttributes;
  Erf: NoAttributes;
  Sin: NoAttributes;
  Cos: NoAttributes;
  Atan: NoAttributes;
  /** (a, b) ↦ aᵇ. */
  Pow: NoAttributes;
  Max: NoAttributes;
  Min: NoAttributes;
  /** x ↦ min(max(x, low), high). */
  Clip: { readonly low: number; readonly high: number };
  Greater: NoAttributes;
  Equal: NoAttributes;
  And: NoAttributes;
  Or: NoAttributes;
  Not: NoAttributes;
  /** (condition, a, b) ↦ condition ? a : b. */
  Where: NoAttributes;
  Cast: { readonly to: DType };
  /** x ↦ x, with gradient 0. */
  StopGradient: NoAttributes;
  /** (y, x) ↦ y, with the gradient passed to x unchanged (Bengio et al. 2013, arXiv:1308.3432). */
  StraightThrough: NoAttributes;

  MatMul: NoAttributes;
  Softmax: { readonly axis: number };
  LogSoftmax: { readonly axis: number };
  ReduceSum: ReduceAttributes;
  ReduceMax: ReduceAttributes;

  Reshape: { readonly shape: Shape };
  Transpose: { readonly perm: readonly number[] };
  Expand: { readonly shape: Shape };
  Slice: SliceAttributes;
  Concat: { readonly axis: number };
  /** Zeros before and after, counted per axis. */
  Pad: { readonly before: readonly number[]; readonly after: readonly number[] };

  /** (x, indices) ↦ the slices of x along `axis` at non-negative indices; the axes of `indices` replace `axis`. */
  Gather: { readonly axis: number };
  /** (x, indices) ↦ y of the shape of `indices` with y[i, j] = x[i, indices[i, j]], here for `axis` 1 of two. */
  GatherElements: { readonly axis: number };
  /** (updates, indices) ↦ zeros of `shape`, each update added to the element that GatherElements would read. */
  ScatterAdd: { readonly axis: number; readonly shape: Shape };
  /** Index of the largest element along `axis`, the first on a tie. The axis stays, with length 1. */
  ArgMax: { readonly axis: number };
  /** Indices of the k largest (or smallest) elements along `axis`, in descending (ascending) order of the elements. */
  TopKIndices: { readonly axis: number; readonly k: number; readonly largest: boolean };

  /** The maximum of each window of x [batch, channel, height, width]; padding counts as −∞. */
  MaxPool: PoolAttributes;
  /** The index of that maximum in the flattened x; the first on a tie. */
  MaxPoolIndices: PoolAttributes;
  /** The mean of each window; padding counts as 0. */
  AveragePool: PoolAttributes;

  /** (x, w) ↦ the correlation of x with w. The derivatives of the three convolution operators are these operators. */
  Conv: ConvAttributes;
  /** (dy, w) ↦ ∂⟨conv(x, w), dy⟩/∂x; `inputShape` is the shape of x, [batch, channel, height, width]. */
  ConvInputGradient: ConvAttributes & { readonly inputShape: Shape };
  /** (x, dy) ↦ ∂⟨conv(x, w), dy⟩/∂w; `kernelShape` is [rows, columns] of w. */
  ConvWeightGradient: ConvAttributes & { readonly kernelShape: Shape };
}

/** The name of a source operator. */
export type Op = keyof Attributes;

/** A node of an expression graph. Nodes are immutable; a graph consists of all nodes that its outputs reach. */
export interface Value<O extends Op = Op> {
  readonly op: O;
  readonly inputs: readonly Value[];
  readonly attrs: Attributes[O];
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Whether `value` is a node of this operator; narrows the type of its attributes. */
export const is = <O extends Op>(value: Value, op: O): value is Value<O> => value.op === op;

/** Whether something that code from outside returned is an expression of floats of this shape. */
export function isFloatExpression(value: unknown, shape: Shape): value is Value {
  const { op, inputs, dtype, shape: given } = (value ?? {}) as Partial<Value>;
  const isValue = typeof op === "string" && Array.isArray(inputs) && Array.isArray(given);
  return isValue && dtype === "float32" && given.join() === shape.join();
}

/** All nodes that `outputs` reach in depth-first order, inputs before readers; inputs are visited in order, or last first. */
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
