import type { Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";

/** A distribution of η, added to pixels in [0, 1]; x + η is not clipped. */
export interface Noise {
  /** As written on the command line: `normal:0.25`, `uniform:0.2`. */
  readonly name: string;
  /** One independent draw per example; shape is [batch, ...pixels] and keys has one entry per row. */
  sample(keys: readonly Key[], shape: Shape): Tensor;
}
