import type { DType, Shape } from "../../math/tensor.ts";
import type { Attributes } from "./value.ts";

/** Operators that only lowerings make. They have no gradient: lowering comes after differentiation. */
interface OnlyLowered {
  /** (x, w, bias?) ↦ activation(conv(x, w) + bias), of the domain `com.microsoft`. */
  FusedConv: Attributes["Conv"] & { readonly activation: "Relu" | null };
  /** (dy, w) ↦ the transposed convolution of ONNX; `outputPadding` is [rows, columns]. */
  ConvTranspose: Attributes["Conv"] & { readonly outputPadding: readonly number[] };
  /** (a, b) ↦ alpha · a · b, either transposed in its last two axes, of the domain `com.microsoft`. */
  FusedMatMul: { readonly transA: boolean; readonly transB: boolean; readonly alpha: number };
  /** x ↦ max(0, min(1, alpha · x + beta)). */
  HardSigmoid: { readonly alpha: number; readonly beta: number };
  /** Mean over height and width: [batch, channel, height, width] → [batch, channel, 1, 1]. */
  GlobalAveragePool: Record<string, never>;
  /** (zeros, indices, updates) ↦ each update added to `zeros` at its index along `axis`. */
  ScatterElements: { readonly axis: number };

  // Operators of ONNX Runtime's domain `com.microsoft.nchwc`. A *blocked* array of shape [batch, channel, height, width]
  // lies in memory as [batch, channel / B, height, width, B].

  /** NCHW to blocked. Zeros fill the channels up to a multiple of B. */
  ReorderInput: Record<string, never>;
  /** Blocked to NCHW, the first `channels` channels. */
  ReorderOutput: { readonly channels: number };
  /** (x blocked, or NCHW with fewer than B channels; w blocked; bias?; sum?) ↦ activation(conv(x, w) + bias + sum), blocked. */
  NchwcConv: Attributes["Conv"] & {
    readonly kernel: readonly number[];
    readonly activation: "Relu" | null;
  };
  /** Mean over height and width of a blocked array. */
  NchwcGlobalAveragePool: Record<string, never>;
  /** Max pooling of a blocked array; padding counts as −∞. */
  NchwcMaxPool: Attributes["MaxPool"];
  /** Average pooling of a blocked array; padding counts as 0. */
  NchwcAveragePool: Attributes["AveragePool"];
}

/** Source operators that every lowering replaces, because ONNX does not have them. */
type OnlySource =
  | "ConvInputGradient"
  | "ConvWeightGradient"
  | "StopGradient"
  | "StraightThrough"
  | "ScatterAdd";

/** The attributes of each operator that the ONNX writer knows. */
export type LoweredAttributes = Omit<Attributes, OnlySource> & OnlyLowered;
/** The name of a lowered operator. */
export type LoweredOp = keyof LoweredAttributes;

/** A node of a lowered graph. */
export interface Lowered<O extends LoweredOp = LoweredOp> {
  readonly op: O;
  readonly inputs: readonly Lowered[];
  readonly attrs: LoweredAttributes[O];
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Whether `value` is a node of this operator; narrows the type of its attributes. */
export const isLowered = <O extends LoweredOp>(value: Lowered, op: O): value is Lowered<O> =>
  value.op === op;
