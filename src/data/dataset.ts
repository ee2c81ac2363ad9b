import type { Note } from "../math/note.ts";
import type { Shape, Tensor } from "../math/tensor.ts";

/** One split of a data set; the order of its examples never changes, so an index names an example. */
export interface Split {
  readonly size: number;
  /** Class index of each example, in [0, classes). */
  readonly labels: ArrayLike<number>;
  /** File of each example, relative to the data set's folder; absent where images are no files. */
  readonly files?: readonly string[];
  /** Pixels in [0, 1] of these examples, [indices, channel, height, width]. */
  images(indices: readonly number[]): Tensor;
}

/** Of a data set without a split: examples that are held out for testing, of how many. */
export interface HeldOut {
  readonly examples: number;
  readonly of: number;
}

/** Images of one size with their class names. */
export interface Dataset {
  /** As written on the command line: `cifar10`, `folder:photos`. */
  readonly name: string;
  /** [channel, height, width]. */
  readonly shape: Shape;
  /** Class names; position is the class index, which is the output of a model trained on it. */
  readonly classes: readonly string[];
  /** Per-channel mean and standard deviation of training pixels in [0, 1]: the model's first layer. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly train: Split;
  readonly test: Split;
  /** What a reader of results must know of the images. */
  readonly notes?: readonly Note[];
  /** Present where the data set has no split of its own and the test split was held out of all its examples. */
  readonly heldOut?: HeldOut | undefined;
}
