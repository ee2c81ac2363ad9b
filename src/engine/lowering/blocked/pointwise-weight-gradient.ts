import type { Lowered } from "../../graph/lowered.ts";
import type { NchwcBuilder } from "./nchwc-builder.ts";
import { gradientKernel, wholeBatch } from "./weight-gradient-operands.ts";

/** The gradient of a 1×1 kernel: blocked x [batch, in, …] and dy [batch, out, …] → plain [out, in, 1, 1]. */
export function pointwiseWeightGradient(
  nchwc: NchwcBuilder,
  x: Lowered,
  dy: Lowered,
  strides: readonly number[],
): Lowered {
  const [out, channels] = [dy.shape[1], x.shape[1]];
  const blocks = pointwiseBlocks(nchwc, x, dy, strides);
  const split = nchwc.reshape(blocks, [out / nchwc.block, channels, nchwc.block]);
  return nchwc.reshape(nchwc.transpose(split, [0, 2, 1]), [out, channels, 1, 1]);
}

/**
 * The same gradient, in memory [out / B, in / B, B in, B out]. There are no borders, so all pixels form one row, which is
 * convolved with dy as its kernel.
 */
export function pointwiseBlocks(
  nchwc: NchwcBuilder,
  x: Lowered,
  dy: Lowered,
  strides: readonly number[],
): Lowered {
  const B = nchwc.block;
  const whole = wholeBatch(nchwc, x);
  const [batch, channels, height, width] = whole.shape;
  const [, out, rows, columns] = dy.shape;
  const planes = nchwc.reshape(whole, [(batch * channels) / B, height, width, B]);
  const stops = [planes.shape[0], (rows - 1) * strides[0] + 1, (columns - 1) * strides[1] + 1, B];
  const read = strides.every((step) => step === 1)
    ? planes
    : nchwc.slice(planes, [0, 0, 0, 0], stops, [1, ...strides, 1]);
  const blocks = channels / B;
  const pixels = rows * columns;
  const image = nchwc.fromPlain(nchwc.reshape(read, [1, batch, blocks, pixels * B]));
  const kernel = nchwc.reshape(gradientKernel(nchwc, dy), [out, batch, 1, pixels]);
  const geometry = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, B], groups: 1 };
  // [1, out, in / B, B in], blocked.
  return nchwc.conv(image, kernel, geometry);
}
