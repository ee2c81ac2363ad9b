import type { DType, NdArray } from "../../../math/tensor.ts";
import type { Lowered, LoweredOp } from "../../graph/lowered.ts";
import type { ConvAttributes, PoolAttributes } from "../../graph/value.ts";
import { type AttributeValue, onnxTypeOf } from "../protos.ts";

/** A lowered node as an ONNX node. */
export interface ExportedNode {
  /** Name of the operator. */
  readonly type: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Constant inputs that follow the inputs of the lowered node. */
  readonly extra?: readonly NdArray[];
  /** Index of the output that holds the value of the lowered node; 0 by default. */
  readonly output?: number;
}

const int = (value: number): AttributeValue => ({ int: value });
const ints = (values: readonly number[]): AttributeValue => ({ ints: values });
const float = (value: number): AttributeValue => ({ float: value });

const int64 = (values: readonly number[]): NdArray<"int64"> => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values.map(BigInt)),
});

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

function toInt64(value: number): bigint {
  if (Number.isFinite(value)) return BigInt(value);
  return value > 0 ? MAX_INT64 : MIN_INT64;
}

/** A scalar constant. For integer types, ±∞ becomes the largest or smallest integer. */
function scalar(dtype: DType, value: number): NdArray {
  if (dtype === "float32") return { dtype, shape: [], data: Float32Array.of(value) };
  if (dtype === "float64") return { dtype, shape: [], data: Float64Array.of(value) };
  if (dtype === "int64") return { dtype, shape: [], data: BigInt64Array.of(toInt64(value)) };
  const clamped = Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1);
  return { dtype: "int32", shape: [], data: Int32Array.of(clamped) };
}

const plain = (type: string) => (): ExportedNode => ({ type });

const convolution = ({ strides, pads, dilations, groups }: ConvAttributes) => ({
  strides: ints(strides),
  pads: ints(pads),
  dilations: ints(dilations),
  group: int(groups),
});

const window = ({ kernel, strides, pads, dilations }: PoolAttributes) => ({
  kernel_shape: ints(kernel),
  strides: ints(strides),
  pads: ints(pads),
  dilations: ints(dilations),
});

/** An operator on blocked memory (NCHWc), as ONNX Runtime's optimiser writes it for CPUs. */
const nchwc = (
  type: string,
  attributes: NonNullable<ExportedNode["attributes"]> = {},
): ExportedNode => ({
  type,
  domain: "com.microsoft.nchwc",
  attributes,
});

/** The end "before index 0" of a slice that runs backwards; −1 would mean the last index. */
const BEFORE_ZERO = -(2 ** 31);

/** Exporters to opset 17 by lowered operator. `GraphWriter` writes inputs and constants itself. */
export const exporters: {
  readonly [O in Exclude<LoweredOp, "Input" | "Constant">]: (node: Lowered<O>) => ExportedNode;
} = {
  Add: plain("Add"),
  Sub: plain("Sub"),
  Mul: plain("Mul"),
  Div: plain("Div"),
  Neg: plain("Neg"),
  Exp: plain("Exp"),
  Log: plain("Log"),
  Sqrt: plain("Sqrt"),
  Tanh: plain("Tanh"),
  Sigmoid: plain("Sigmoid"),
  Relu: plain("Relu"),
  Abs: plain("Abs"),
  Sign: plain("Sign"),
  Floor: plain("Floor"),
  Ceil: plain("Ceil"),
  Round: plain("Round"),
  Erf: plain("Erf"),
  Sin: plain("Sin"),
  Cos: plain("Cos"),
  Atan: plain("Atan"),
  Pow: plain("Pow"),
  Max: plain("Max"),
  Min: plain("Min"),
  Clip: ({ attrs: { low, high }, dtype }) => ({
    type: "Clip",
    extra: [scalar(dtype, low), scalar(dtype, high)],
  }),
  Greater: plain("Greater"),
  Equal: plain("Equal"),
  And: plain("And"),
  Or: plain("Or"),
  Not: plain("Not"),
  Where: plain("Where"),
  Cast: ({ attrs }) => ({ type: "Cast", attributes: { to: int(onnxTypeOf[attrs.to]) } }),
  MatMul: plain("MatMul"),
  Softmax: ({ attrs }) => ({ type: "Softmax", attributes: { axis: int(attrs.axis) } }),
  LogSoftmax: ({ attrs }) => ({ type: "LogSoftmax", attributes: { axis: int(attrs.axis) } }),
  ReduceSum: ({ attrs }) => ({
    type: "ReduceSum",
    attributes: { keepdims: int(attrs.keepdims ? 1 : 0) },
    extra: [int64(attrs.axes)],
  }),
  ReduceMax: ({ attrs }) => ({
    type: "ReduceMax",
    attributes: { keepdims: int(attrs.keepdims ? 1 : 0), axes: ints(attrs.axes) },
  }),
  Reshape: ({ attrs }) => {
    const extra = [int64(attrs.shape)];
    // Without `allowzero`, a length of 0 would mean "copy the length from the input".
    if (attrs.shape.includes(0))
      return { type: "Reshape", attributes: { allowzero: int(1) }, extra };
    return { type: "Reshape", extra };
  },
  Transpose: ({ attrs }) => ({ type: "Transpose", attributes: { perm: ints(attrs.perm) } }),
  Expand: ({ attrs }) => ({ type: "Expand", extra: [int64(attrs.shape)] }),
  Slice: ({ attrs: { starts, stops, steps }, inputs: [x] }) => {
    const axes = x.shape
      .map((_, axis) => axis)
      .filter((axis) => starts[axis] !== 0 || stops[axis] !== x.shape[axis] || steps[axis] !== 1);
    const ends = axes.map((axis) => (stops[axis] < 0 ? BEFORE_ZERO : stops[axis]));
    const pick = (values: readonly number[]) => int64(axes.map((axis) => values[axis]));
    return { type: "Slice", extra: [pick(starts), int64(ends), int64(axes), pick(steps)] };
  },
  Concat: ({ attrs }) => ({ type: "Concat", attributes: { axis: int(attrs.axis) } }),
  Pad: ({ attrs }) => ({ type: "Pad", extra: [int64([...attrs.before, ...attrs.after])] }),
  Gather: ({ attrs }) => ({ type: "Gather", attributes: { axis: int(attrs.axis) } }),
  GatherElements: ({ attrs }) => ({
    type: "GatherElements",
    attributes: { axis: int(attrs.axis) },
  }),
  ScatterElements: ({ attrs }) => ({
    type: "ScatterElements",
    attributes: { axis: int(attrs.axis), reduction: { string: "add" } },
  }),
  ArgMax: ({ attrs }) => ({
    type: "ArgMax",
    attributes: { axis: int(attrs.axis), keepdims: int(1) },
  }),
  TopKIndices: ({ attrs: { axis, k, largest } }) => ({
    type: "TopK",
    attributes: { axis: int(axis), largest: int(largest ? 1 : 0) },
    extra: [int64([k])],
    output: 1,
  }),
  MaxPool: ({ attrs }) => ({ type: "MaxPool", attributes: window(attrs) }),
  MaxPoolIndices: ({ attrs }) => ({ type: "MaxPool", attributes: window(attrs), output: 1 }),
  // Opset 17 has no dilated AveragePool. Such nodes are lowered to other operators.
  AveragePool: ({ attrs }) => {
    const { dilations: _, ...attributes } = window(attrs);
    return { type: "AveragePool", attributes: { ...attributes, count_include_pad: int(1) } };
  },
  Conv: ({ attrs }) => ({ type: "Conv", attributes: convolution(attrs) }),
  FusedConv: ({ attrs }) => {
    const attributes = convolution(attrs);
    if (attrs.activation === null) return { type: "Conv", attributes };
    return {
      type: "FusedConv",
      domain: "com.microsoft",
      attributes: { ...attributes, activation: { string: attrs.activation } },
    };
  },
  ConvTranspose: ({ attrs }) => ({
    type: "ConvTranspose",
    attributes: { ...convolution(attrs), output_padding: ints(attrs.outputPadding) },
  }),
  FusedMatMul: ({ attrs }) => ({
    type: "FusedMatMul",
    domain: "com.microsoft",
    attributes: {
      transA: int(attrs.transA ? 1 : 0),
      transB: int(attrs.transB ? 1 : 0),
      alpha: float(attrs.alpha),
    },
  }),
  HardSigmoid: ({ attrs }) => ({
    type: "HardSigmoid",
    attributes: { alpha: float(attrs.alpha), beta: float(attrs.beta) },
  }),
  GlobalAveragePool: plain("GlobalAveragePool"),
  ReorderInput: () => nchwc("ReorderInput"),
  ReorderOutput: ({ attrs }) => nchwc("ReorderOutput", { channels: int(attrs.channels) }),
  NchwcConv: ({ attrs: { kernel, activation, ...geometry } }) => {
    const attributes = { ...convolution(geometry), kernel_shape: ints(kernel) };
    if (activation === null) return nchwc("Conv", attributes);
    return nchwc("Conv", { ...attributes, activation: { string: activation } });
  },
  NchwcGlobalAveragePool: () => nchwc("GlobalAveragePool"),
  NchwcMaxPool: ({ attrs }) => nchwc("MaxPool", window(attrs)),
  NchwcAveragePool: ({ attrs }) =>
    nchwc("AveragePool", { ...window(attrs), count_include_pad: int(1) }),
};
