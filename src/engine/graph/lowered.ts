import type { DType, Shape } from "../../math/tensor.ts";
import type { Attributes } from "./value.ts";

/** Operators that only a lowering writes, after differentiation; none of them has a gradient. */
interface OnlyLowered {
  /** (x, w, bias?) with the attributes of ONNX. */
  FusedConv: Attributes["Conv"] & { readonly activation: "Relu" | null };
  /** (dy, w): the transposed convolution of ONNX, with its output padding. */
  ConvTranspose: Attributes["Conv"] & { readonly outputPadding: readonly number[] };
  /** a · b with either transposed over its last two axes, times alpha (`com.microsoft`). */
  FusedMatMul: { readonly transA: boolean; readonly transB: boolean; readonly alpha: number };
  /** max(0, min(1, alpha · x + beta)). */
  HardSigmoid: { readonly alpha: number; readonly beta: number };
  /** Mean over height and width, keeping both axes. */
  GlobalAveragePool: Record<string, never>;
  /** (zeros, indices, updates): each update added to where it belongs along `axis`. */
  ScatterElements: { readonly axis: number };

  // Operators of ONNX Runtime's own domain `com.microsoft.nchwc`. A *blocked* array [batch, channel, height, width]
  // lies in memory as [batch, channel / B, height, width, B], under the same declared shape.

  /** An array in NCHW, blocked; channels are filled up with zeros to a multiple of B. */
  ReorderInput: Record<string, never>;
  /** A blocked array in NCHW; the first `channels` of its channels. */
  ReorderOutput: { readonly channels: number };
  /** (x blocked, or NCHW with less than B channels; w blocked; bias?; sum?) ↦ activation(x ⋆ w + bias + sum), blocked. */
  NchwcConv: Attributes["Conv"] & {
    readonly kernel: readonly number[];
    readonly activation: "Relu" | null;
  };
  NchwcGlobalAveragePool: Record<string, never>;
  NchwcMaxPool: Attributes["MaxPool"];
  /** Pads count as zeros. */
  NchwcAveragePool: Attributes["AveragePool"];
}

/** Source operators that no lowering leaves standing, because ONNX has no such operator. */
type OnlySource =
  | "ConvInputGradient"
  | "ConvWeightGradient"
  | "StopGradient"
  | "StraightThrough"
  | "ScatterAdd";

/** The attributes of each operator that the ONNX writer knows. */
export type LoweredAttributes = Omit<Attributes, OnlySource> & OnlyLowered;
export type LoweredOp = keyof LoweredAttributes;

/** A node of a lowered graph. */
export interface Lowered<O extends LoweredOp = LoweredOp> {
  readonly op: O;
  readonly inputs: readonly Lowered[];
  readonly attrs: LoweredAttributes[O];
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Whether `value` is of this operator; narrows its attributes. */
export const isLowered = <O extends LoweredOp>(value: Lowered, op: O): value is Lowered<O> =>
  value.op === op;
