import type { Note } from "../math/note.ts";
import type { Shape, Tensor } from "../math/tensor.ts";

/** One split of a data set. The order of its examples never changes, so an index identifies an example. */
export interface Split {
  readonly size: number;
  /** Class index of each example, in [0, classes). */
  readonly labels: ArrayLike<number>;
  /** File of each example, relative to the data set's folder; absent if the images are not stored in files. */
  readonly files?: readonly string[];
  /** Pixels in [0, 1] of these examples, [indices, channel, height, width]. */
  images(indices: readonly number[]): Tensor;
}

/** Size of the test split that was held out of a data set that is not split. */
export interface HeldOut {
  /** Examples held out. */
  readonly examples: number;
  /** Examples in all. */
  readonly of: number;
}

/** A data set of images of one size. */
export interface Dataset {
  /** As written on the command line: `cifar10`, `folder:photos`. */
  readonly name: string;
  /** [channel, height, width]. */
  readonly shape: Shape;
  /** Class names by class index, which is also the output of a model trained on the data set. */
  readonly classes: readonly string[];
  /** Mean of the training pixels in [0, 1], per channel. A model subtracts it in its first layer. */
  readonly mean: readonly number[];
  /** Standard deviation of the training pixels, per channel. A model divides by it in its first layer. */
  readonly std: readonly number[];
  readonly train: Split;
  readonly test: Split;
  /** Facts about the images that a reader of results needs. */
  readonly notes?: readonly Note[];
  /** Present if the data set is not split and a test split was held out. */
  readonly heldOut?: HeldOut | undefined;
}
