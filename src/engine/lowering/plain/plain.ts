// The lowering that every machine can run: standard ONNX operators on arrays [batch, channel, height, width]. The other
// lowerings are tested against it.

import type { DType, Shape } from "../../../math/tensor.ts";
import type { Lowered, LoweredAttributes, LoweredOp } from "../../graph/lowered.ts";
import { scalar } from "../../graph/ops.ts";
import { type Op, topological, type Value } from "../../graph/value.ts";
import { type Builder, builder } from "../builder.ts";
import { foldScales } from "../fold-scales.ts";
import { inputGradient, weightGradient } from "./convolutions.ts";
import { reluMask, withoutExpand } from "./elementwise.ts";

/** Lowers one source node, given its lowered inputs. */
export type Lower<O extends Op> = (
  b: Builder,
  node: Value<O>,
  inputs: readonly Lowered[],
) => Lowered;

/** The same operator on the lowered inputs. */
const unchanged = (
  b: Builder,
  { op, attrs, dtype, shape }: Value,
  inputs: readonly Lowered[],
): Lowered => b.make(op as LoweredOp, inputs, attrs as LoweredAttributes[LoweredOp], dtype, shape);

/** An array of equal elements. */
function filled(b: Builder, dtype: DType, value: number, shape: Shape): Lowered {
  const { array } = scalar(value, dtype).attrs as LoweredAttributes["Constant"];
  const number = b.make("Constant", [], { array }, dtype, []);
  return b.make("Expand", [number], { shape }, dtype, shape);
}

const elementwise = (b: Builder, node: Value, inputs: readonly Lowered[]) =>
  unchanged(b, node, withoutExpand(node.shape, inputs));

/** The operators that the plain lowering rewrites. The others stay. */
const rewrites: { readonly [O in Op]?: Lower<O> } = {
  StopGradient: (_, __, [x]) => x,
  StraightThrough: (_, __, [y]) => y,
  ScatterAdd: (b, { attrs: { axis, shape }, dtype }, [updates, indices]) => {
    const zeros = filled(b, dtype, 0, shape);
    return b.make("ScatterElements", [zeros, indices, updates], { axis }, dtype, shape);
  },
  // ONNX has dilated average pooling only from opset 19 on. A depthwise convolution with equal weights does the same.
  AveragePool: (b, node, [x]) => {
    const { kernel, ...geometry } = node.attrs;
    if (geometry.dilations.every((n) => n === 1)) return unchanged(b, node, [x]);
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
  // ONNX Runtime is several times slower at reducing batch and image axes at once than one after the other.
  ReduceSum: (b, node, [x]) => {
    const { axes, keepdims } = node.attrs;
    if (x.shape.length !== 4 || axes.join() !== "0,2,3") return unchanged(b, node, [x]);
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

/** Lowers one source node to standard operators, given its lowered inputs. */
export const lowerNode = (b: Builder, node: Value, inputs: readonly Lowered[]): Lowered =>
  ((rewrites[node.op] ?? unchanged) as Lower<never>)(b, node as never, inputs);

/**
 * Lowers a graph of source operators to standard ONNX operators; the values are equal up to rounding. `wrapBuilder` may
 * replace nodes for a provider that lacks operators.
 */
export function lowerPlain(
  outputs: Readonly<Record<string, Value>>,
  wrapBuilder: (b: Builder) => Builder = (b) => b,
): Record<string, Lowered> {
  const names = Object.keys(outputs);
  const roots = foldScales(Object.values(outputs));
  const b = wrapBuilder(builder());
  const lowered = new Map<Value, Lowered>();
  for (const node of topological<Value>(roots)) {
    const inputs = node.inputs.map((input) => lowered.get(input) as Lowered);
    lowered.set(node, lowerNode(b, node, inputs));
  }
  return Object.fromEntries(names.map((name, i) => [name, lowered.get(roots[i]) as Lowered]));
}
