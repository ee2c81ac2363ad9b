import type { Lowered } from "../../graph/lowered.ts";
import type { NchwcBuilder } from "./nchwc-builder.ts";

/** The inputs of a weight gradient. */
export interface Operands {
  /** [batch, in, height, width]: blocked, or NCHW with fewer than B channels if `plainInput`. */
  readonly x: Lowered;
  readonly plainInput: boolean;
  /** [batch, out, rows, columns], blocked. */
  readonly dy: Lowered;
}

/** Geometry of the convolution whose weights get a gradient, without dilations and groups. */
export interface Geometry {
  /** [rows, columns]. */
  readonly strides: readonly number[];
  /** [top, left, bottom, right]. */
  readonly pads: readonly number[];
  /** [rows, columns]. */
  readonly kernel: readonly number[];
}

/** An array [batch, …] with examples of zeros, so that the batch is a multiple of B. */
export function wholeBatch(nchwc: NchwcBuilder, x: Lowered): Lowered {
  const batch = nchwc.whole(x.shape[0]);
  if (batch === x.shape[0]) return x;
  const size = x.shape[1] * x.shape[2] * x.shape[3];
  const rows = nchwc.reshape(x, [x.shape[0], size]);
  const zeros = nchwc.filled([batch - x.shape[0], size], 0);
  return nchwc.reshape(nchwc.concat([rows, zeros], 0), x.shape.with(0, batch));
}

/**
 * dy [batch, out, rows, columns] as a blocked kernel [out, batch, rows, columns]: in memory
 * [out / B, batch / B, rows, columns, B examples, B out].
 */
export function gradientKernel(nchwc: NchwcBuilder, dy: Lowered): Lowered {
  const whole = wholeBatch(nchwc, dy);
  const [batch, out, rows, columns] = whole.shape;
  const B = nchwc.block;
  const parts = nchwc.reshape(whole, [batch / B, B, out / B, rows * columns, B]);
  return nchwc.reshape(nchwc.transpose(parts, [2, 0, 3, 1, 4]), [out, batch, rows, columns]);
}
