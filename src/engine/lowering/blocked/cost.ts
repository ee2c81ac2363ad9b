// The cost model that chooses between the direct form of a convolution and Winograd's F(2×2, 3×3).

/**
 * Channels, as many in as out, from which on Winograd's form takes less time on a machine: a matter of how fast it computes against how
 * fast its caches are.
 */
export interface BreakEven {
  /** Of a convolution and of its gradient by x. */
  readonly images: number;
  /** Of its gradient by w. */
  readonly weights: number;
}

/** Where it lies for cores that do some 100 GFLOP/s. */
export const defaultBreakEven: BreakEven = { images: 128, weights: 256 };

/** A convolution with a 3×3 kernel, stride 1 and a border of 1. */
export interface Square {
  readonly into: number;
  readonly out: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Whether Winograd's form costs less than the direct one, or as much. That one has 18 · in · out operations per pixel. Winograd's has
 * 8 · in · out products and additions per pixel of whole tiles of 2 × 2, and transforms, whose time per channel of x and of y is that of
 * 5 · breakEven operations, since so much is saved where both forms cost the same.
 */
export function costsLess(breakEven: number, { into, out, height, width }: Square): boolean {
  const whole = (length: number) => 2 * Math.ceil(length / 2);
  const tiles = (whole(height) * whole(width)) / (height * width);
  return tiles * (8 * into * out + 5 * breakEven * (into + out)) <= 18 * into * out;
}
