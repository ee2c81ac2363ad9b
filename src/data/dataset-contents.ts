import type { Shape } from "../math/tensor.ts";
import type { Dataset, Split } from "./dataset.ts";
import type { ChannelStatistics, Examples } from "./splits.ts";

/** A data set as the function `open` of a definition returns it. */
export interface DatasetContents
  extends Partial<ChannelStatistics>,
    Pick<Dataset, "classes" | "notes"> {
  /** [channel, height, width] of one image. */
  readonly shape: Shape;
  /** Images and labels in arrays, or a split that reads images when they are asked for. */
  readonly train: Split | Examples;
  readonly test: Split | Examples;
}
