// The plane of Figure 1, as the page and its worker exchange it.
import type { Prediction, Sizes } from "./protocol-basics.ts";

/** A point of a plane, in ℓ2 distances from the image along the plane's two directions, for pixels in [0, 1]. */
export type Point = readonly [number, number];

/** The plane that is wanted: through an image and its ℓ∞ and ℓ2 attack in these balls. */
export interface SliceSettings {
  readonly linf: number;
  readonly l2: number;
  readonly steps: number;
  readonly eot: number;
  readonly seed: number;
  readonly label: number;
}

/** An attack's result in the plane. */
export interface SliceMark {
  readonly at: Point;
  readonly prediction: number;
}

/** The plane through an image that two attacks span. */
export interface SliceFacts {
  readonly settings: SliceSettings;
  readonly linf: SliceMark;
  readonly l2: SliceMark;
  /** Cosine of the angle between the two perturbations. */
  readonly cosine: number;
  /** Corners of the plane's intersection with the ℓ∞ ball of the settings, counter-clockwise. */
  readonly section: readonly Point[];
  /** Half the side of the smallest square around the image that holds both balls and both attacks. */
  readonly half: number;
}

/** A square part of a plane in `resolution`² cells. */
export interface SliceWindow {
  readonly centre: Point;
  readonly half: number;
  readonly resolution: number;
}

/** Decisions at the centres of some cells. */
export interface SliceCells {
  readonly regions: readonly number[];
  /** The highest logit minus the second. */
  readonly leads: readonly number[];
}

/** What is at a point of a plane. */
export interface SlicePlace {
  /** Pixels, which may leave [0, 1]. */
  readonly pixels: Float32Array;
  readonly answer: Prediction;
  readonly sizes: Sizes;
}
