// The weight gradient of a 3×3 convolution by Winograd's minimal filtering F(3×3, 2×2) (Lavin & Gray 2016,
// arXiv:1509.09308): each tile of 2 × 2 pixels of dy is a kernel on x, dw = Σ over tiles of Aᵀ [(G dY Gᵀ) ⊙ (Bᵀ X B)] A.

import type { Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";
import { winogradCostsLess } from "./cost.ts";
import type { NchwcBuilder } from "./nchwc-builder.ts";
import { pointwiseBlocks } from "./pointwise-weight-gradient.ts";
import type { Geometry } from "./weight-gradient-operands.ts";
import { repeatedKernel, transformedPixels } from "./winograd.ts";

/** G. */
const KERNEL_TRANSFORM = [
  [1, 0],
  [0.5, 0.5],
  [0.5, -0.5],
  [0, 1],
] as const;

/** Aᵀ, for the Bᵀ of `winograd.ts`. */
const OUTPUT_TRANSFORM = [
  [1, 1, 1, 0],
  [0, 1, -1, 0],
  [0, 1, 1, -1],
] as const;

/**
 * Whether a weight gradient has a Winograd form that costs at most as much as the direct one (`winogradCostsLess`). It
 * needs a 3×3 kernel, stride 1, padding 1, and an even height and width of at least 4.
 */
export function weightGradientWins(
  breakEven: number,
  { strides, pads, kernel }: Geometry,
  x: Lowered,
  dy: Lowered,
): boolean {
  const [, into, height, width] = x.shape;
  const isPossible =
    kernel.every((k) => k === 3) &&
    pads.every((p) => p === 1) &&
    strides.every((step) => step === 1) &&
    [height, width].every((length) => length % 2 === 0 && length >= 4);
  return isPossible && winogradCostsLess(breakEven, { into, out: dy.shape[1], height, width });
}

/** Blocked x [batch, in, height, width] and dy [batch, out, height, width] → plain [out, in, 3, 3]. */
export function winogradWeightGradient(
  b: Builder,
  nchwc: NchwcBuilder,
  x: Lowered,
  dy: Lowered,
): Lowered {
  const [out, channels] = [dy.shape[1], x.shape[1]];
  const pixels = transformedPixels(nchwc, x);
  // M[a][c] = Σ over tiles of (G dY Gᵀ)[a][c] · (Bᵀ X B)[a][c], as rows [1, out · in].
  const products: Lowered[] = [];
  for (let a = 0; a < 4; a++)
    for (let c = 0; c < 4; c++) {
      const window = KERNEL_TRANSFORM[a].flatMap((row) =>
        KERNEL_TRANSFORM[c].map((column) => row * column),
      );
      const kernels = nchwc.conv(dy, repeatedKernel(nchwc, out, window), {
        strides: [2, 2],
        pads: [0, 0, 0, 0],
        dilations: [1, 1],
        groups: out,
      });
      const product = pointwiseBlocks(nchwc, pixels(a, c), kernels, [1, 1]);
      products.push(nchwc.reshape(product, [1, out * channels]));
    }
  // (A ⊗ A) [16, 9].
  const transform = [0, 1, 2, 3].flatMap((a) =>
    [0, 1, 2, 3].flatMap((c) =>
      OUTPUT_TRANSFORM.flatMap((row) => OUTPUT_TRANSFORM.map((column) => row[a] * column[c])),
    ),
  );
  // [out · in, 9]: the taps are innermost, as in the result, so that the transpose moves nine numbers at a time.
  const taps = b.make(
    "FusedMatMul",
    [nchwc.concat(products, 0), nchwc.numbers([16, 9], transform)],
    { transA: true, transB: false, alpha: 1 },
    dy.dtype,
    [out * channels, 9],
  );
  // [out / B, in / B, B in, B out, 9] → [out, in, 3, 3].
  const B = nchwc.block;
  const split = nchwc.reshape(taps, [out / B, channels / B, B, B, 9]);
  return nchwc.reshape(nchwc.transpose(split, [0, 3, 1, 2, 4]), [out, channels, 3, 3]);
}
