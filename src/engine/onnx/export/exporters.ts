import type { DType, NdArray } from "../../../math/tensor.ts";
import type { Lowered, LoweredOp } from "../../graph/lowered.ts";
import type { ConvAttributes, PoolAttributes } from "../../graph/value.ts";
import { type AttributeValue, dataTypes } from "../messages.ts";

/** How one of our nodes stands in a file: ONNX's operator, its attributes, and constant inputs after ours. */
export interface ExportedNode {
  readonly type: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly extra?: readonly NdArray[];
  /** Which of the operator's outputs is ours; 0 by default. */
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

/** A constant of shape []; ±∞ of a whole-number type is its furthest number. */
function scalar(dtype: DType, value: number): NdArray {
  if (dtype === "float32") return { dtype, shape: [], data: Float32Array.of(value) };
  if (dtype === "float64") return { dtype, shape: [], data: Float64Array.of(value) };
  if (dtype === "int64") {
    const whole = Number.isFinite(value)
      ? BigInt(value)
      : value > 0
        ? 2n ** 63n - 1n
        : -(2n ** 63n);
    return { dtype, shape: [], data: BigInt64Array.of(whole) };
  }
  const whole = Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1);
  return { dtype: "int32", shape: [], data: Int32Array.of(whole) };
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

const nchwc = (
  type: string,
  attributes: NonNullable<ExportedNode["attributes"]> = {},
): ExportedNode => ({
  type,
  domain: "com.microsoft.nchwc",
  attributes,
});

/** "Before index 0" for a slice that runs backwards; −1 would mean the last index. */
const BEFORE_ZERO = -(2 ** 31);

/** One entry per lowered operator, for opset 17; inputs and constants are written elsewhere. */
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
  Cast: ({ attrs }) => ({ type: "Cast", attributes: { to: int(dataTypes[attrs.to]) } }),
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
  Reshape: ({ attrs }) => ({
    type: "Reshape",
    // A length of 0 would copy the one before; here it is meant.
    ...(attrs.shape.includes(0) && { attributes: { allowzero: int(1) } }),
    extra: [int64(attrs.shape)],
  }),
  Transpose: ({ attrs }) => ({ type: "Transpose", attributes: { perm: ints(attrs.perm) } }),
  Expand: ({ attrs }) => ({ type: "Expand", extra: [int64(attrs.shape)] }),
  Slice: ({ attrs: { starts, stops, steps }, inputs: [x] }) => {
    const cut = x.shape
      .map((_, axis) => axis)
      .filter((axis) => starts[axis] !== 0 || stops[axis] !== x.shape[axis] || steps[axis] !== 1);
    const ends = cut.map((axis) => (stops[axis] < 0 ? BEFORE_ZERO : stops[axis]));
    const pick = (values: readonly number[]) => int64(cut.map((axis) => values[axis]));
    return { type: "Slice", extra: [pick(starts), int64(ends), int64(cut), pick(steps)] };
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
    attributes: { axis: int(attrs.axis), reduction: { text: "add" } },
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
  // Dilated windows of an AveragePool are newer than opset 17; such a node is lowered before.
  AveragePool: ({ attrs }) => {
    const { dilations: _, ...attributes } = window(attrs);
    return { type: "AveragePool", attributes: { ...attributes, count_include_pad: int(1) } };
  },
  Conv: ({ attrs }) => ({ type: "Conv", attributes: convolution(attrs) }),
  FusedConv: ({ attrs }) => ({
    type: attrs.activation === null ? "Conv" : "FusedConv",
    ...(attrs.activation === null ? {} : { domain: "com.microsoft" }),
    attributes: {
      ...convolution(attrs),
      ...(attrs.activation === null ? {} : { activation: { text: attrs.activation } }),
    },
  }),
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
  NchwcConv: ({ attrs: { kernel, activation, ...geometry } }) =>
    nchwc("Conv", {
      ...convolution(geometry),
      kernel_shape: ints(kernel),
      ...(activation !== null && { activation: { text: activation } }),
    }),
  NchwcGlobalAveragePool: () => nchwc("GlobalAveragePool"),
  NchwcMaxPool: ({ attrs }) => nchwc("MaxPool", window(attrs)),
  NchwcAveragePool: ({ attrs }) =>
    nchwc("AveragePool", { ...window(attrs), count_include_pad: int(1) }),
};
