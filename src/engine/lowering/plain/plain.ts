// The lowering that every machine can run: standard ONNX operators, in NCHW. It is the reference that
// any other lowering is tested against.

import type { DType, Shape } from "../../../math/tensor.ts";
import type { Lowered, LoweredAttributes, LoweredOp } from "../../graph/lowered.ts";
import { scalar } from "../../graph/ops.ts";
import { type Op, topological, type Value } from "../../graph/value.ts";
import { foldScales } from "../blocked/fold-scales.ts";
import { type Builder, builder } from "../builder.ts";
import { inputGradient, weightGradient } from "./convolutions.ts";
import { reluMask, withoutExpand } from "./elementwise.ts";

/** Rewrites one source node, given its inputs already lowered. */
export type Lower<O extends Op> = (
  b: Builder,
  node: Value<O>,
  inputs: readonly Lowered[],
) => Lowered;

const same = (
  b: Builder,
  { op, attrs, dtype, shape }: Value,
  inputs: readonly Lowered[],
): Lowered => b.make(op as LoweredOp, inputs, attrs as LoweredAttributes[LoweredOp], dtype, shape);

/** The same number everywhere. */
function filled(b: Builder, dtype: DType, value: number, shape: Shape): Lowered {
  const { array } = scalar(value, dtype).attrs as LoweredAttributes["Constant"];
  const number = b.make("Constant", [], { array }, dtype, []);
  return b.make("Expand", [number], { shape }, dtype, shape);
}

const elementwise = (b: Builder, node: Value, inputs: readonly Lowered[]) =>
  same(b, node, withoutExpand(node.shape, inputs));

/** What the plain lowering changes; every other operator stands as it is. */
const rewrites: { readonly [O in Op]?: Lower<O> } = {
  StopGradient: (_, __, [x]) => x,
  StraightThrough: (_, __, [y]) => y,
  ScatterAdd: (b, { attrs: { axis, shape }, dtype }, [updates, indices]) => {
    const zeros = filled(b, dtype, 0, shape);
    return b.make("ScatterElements", [zeros, indices, updates], { axis }, dtype, shape);
  },
  // ONNX has dilated averages from opset 19 on only; here each channel is a convolution of its own.
  AveragePool: (b, node, [x]) => {
    const { kernel, ...geometry } = node.attrs;
    if (geometry.dilations.every((n) => n === 1)) return same(b, node, [x]);
    const channels = x.shape[1];
    const share = 1 / (kernel[0] * kernel[1]);
    const window = filled(b, node.dtype, share, [channels, 1, ...kernel]);
    return b.make("Conv", [x, window], { ...geometry, groups: channels }, node.dtype, node.shape);
  },
  Add: elementwise,
  Sub: elementwise,
  Mul: elementwise,
  Div: elementwise,
  Min: elementwise,
  Max: elementwise,
  Pow: elementwise,
  Where: (b, node, inputs) => reluMask(b, inputs) ?? elementwise(b, node, inputs),
  // Reducing batch and image axes at once is several times slower than one after the other.
  ReduceSum: (b, node, [x]) => {
    const { axes, keepdims } = node.attrs;
    if (x.shape.length !== 4 || axes.join() !== "0,2,3") return same(b, node, [x]);
    const inner: Shape = [x.shape[0], x.shape[1], 1, 1];
    const rows = b.make("ReduceSum", [x], { axes: [2, 3], keepdims: true }, node.dtype, inner);
    return b.make(
      "ReduceSum",
      [rows],
      { axes: keepdims ? [0] : [0, 2, 3], keepdims },
      node.dtype,
      node.shape,
    );
  },
  ConvInputGradient: inputGradient,
  ConvWeightGradient: weightGradient,
};

/** One source node in standard operators. */
export const lowerNode = (b: Builder, node: Value, inputs: readonly Lowered[]): Lowered =>
  ((rewrites[node.op] ?? same) as Lower<never>)(b, node as never, inputs);

/**
 * A graph of source operators as one that ONNX Runtime runs; values are equal up to rounding. `within` may stand between
 * it and the builder, for a provider that lacks operators.
 */
export function lowerPlain(
  outputs: Readonly<Record<string, Value>>,
  within: (b: Builder) => Builder = (b) => b,
): Record<string, Lowered> {
  const names = Object.keys(outputs);
  const roots = foldScales(Object.values(outputs));
  const b = within(builder());
  const lowered = new Map<Value, Lowered>();
  for (const node of topological<Value>(roots)) {
    const inputs = node.inputs.map((input) => lowered.get(input) as Lowered);
    lowered.set(node, lowerNode(b, node, inputs));
  }
  return Object.fromEntries(names.map((name, i) => [name, lowered.get(roots[i]) as Lowered]));
}
