/** Test images `from` up to but excluding `to`. */
export interface ImageRange {
  readonly from: number;
  readonly to: number;
}

/** All test images. */
export const EVERY_IMAGE: ImageRange = { from: 0, to: Number.POSITIVE_INFINITY };
