import type { Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";

/** A distribution of noise η that is added to pixels in [0, 1]. The sum x + η is not clipped. */
export interface Noise {
  /** The name on the command line, parameters included: `normal:0.25`, `uniform:0.2`. */
  readonly name: string;
  /** One independent draw per example: `shape` and the result are [batch, ...pixels], `keys` is [batch]. */
  sample(keys: readonly Key[], shape: Shape): Tensor;
  /** The distribution in words, for reports: `normal noise of standard deviation 0.25 on pixels in [0, 1]`. */
  describe?(): string;
  /** Absent if noise cannot be drawn in the background. */
  readonly prefetch?: NoisePrefetch;
}

/** Draws noise in the background, with the bits that `Noise.sample` gives. */
export interface NoisePrefetch {
  /** Starts drawing for a call to come: `keys` [batch], `shape` [batch, ...pixels]. A hint: results do not depend on it. */
  start(keys: readonly Key[], shape: Shape): void;
  /** The result of `sample`, [batch, ...pixels]; returns early for prefetched keys. The caller owns the tensor. */
  draw(keys: readonly Key[], shape: Shape): Promise<Tensor>;
}

/** The result of `noise.sample`, [batch, ...pixels], from a prefetch if there is one. */
export const drawNoise = async (
  noise: Noise,
  keys: readonly Key[],
  shape: Shape,
): Promise<Tensor> => noise.prefetch?.draw(keys, shape) ?? noise.sample(keys, shape);

/** Resolves the name of a noise, such as `normal:0.25`. Throws `UsageError` for an unknown one. */
export type NoiseNamed = (text: string) => Noise;
