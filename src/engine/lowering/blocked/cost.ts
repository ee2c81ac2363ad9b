// The cost model that chooses between a direct convolution and Winograd's F(2×2, 3×3) (Lavin & Gray 2016, arXiv:1509.09308).

/**
 * Number of channels, equal for input and output, from which on a Winograd convolution is faster on a machine. It depends on
 * how fast the cores compute relative to their caches.
 */
export interface BreakEven {
  /** For a convolution and for its gradient by x. */
  readonly images: number;
  /** For its gradient by w. */
  readonly weights: number;
}

/** The break-even of cores that do about 100 GFLOP/s. */
export const defaultBreakEven: BreakEven = { images: 128, weights: 256 };

/** Sizes of a 3×3 convolution with stride 1 and padding 1: x [·, into, height, width], w [out, into, 3, 3]. */
export interface Conv3x3 {
  readonly into: number;
  readonly out: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Whether a Winograd convolution costs at most as much as a direct one. Per pixel of y the direct one takes
 * 18 · in · out operations. Winograd takes 8 · in · out operations for products and additions, and transforms that cost
 * 5 · breakEven operations per channel of x and of y: both forms cost the same at in = out = breakEven. Winograd computes
 * whole tiles of 2 × 2 pixels, so an odd height or width is rounded up.
 */
export function winogradCostsLess(
  breakEven: number,
  { into, out, height, width }: Conv3x3,
): boolean {
  const roundUp = (length: number) => 2 * Math.ceil(length / 2);
  const tiling = (roundUp(height) * roundUp(width)) / (height * width);
  return tiling * (8 * into * out + 5 * breakEven * (into + out)) <= 18 * into * out;
}
