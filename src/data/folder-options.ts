import type { Shape } from "../math/tensor.ts";
import type { Image } from "./data-files.ts";
import type { ImageRules } from "./image-rules.ts";

/** How the images of a folder are read. */
export interface FolderOptions {
  /** Resizes or crops an image. All images must have one size afterwards. */
  readonly prepare?: (image: Image) => Image;
  /** Largest number of images of each split; the first ones are read. */
  readonly maxImages?: number;
  /** Treatment of transparency, orientation and 16-bit grey; by default as in Pillow. */
  readonly rules?: ImageRules;
  /** Input shape of the network, [channel, height, width], for messages about images of other sizes. */
  readonly takes?: Shape | undefined;
}
