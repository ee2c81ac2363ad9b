import type { Key } from "../math/random.ts";
import { add, type Shape, type Tensor } from "../math/tensor.ts";

/**
 * A distribution of noise for pixels in [0, 1]. A draw η is added, and the sum x + η is not clipped, unless the noise states
 * how it is put on an image.
 */
export interface Noise {
  /** The name on the command line, parameters included: `normal:0.25`, `uniform:0.2`. */
  readonly name: string;
  /** One independent draw per example: `shape` and the result are [batch, ...pixels], `keys` is [batch]. */
  sample(keys: readonly Key[], shape: Shape): Tensor;
  /** The images x [batch, ...pixels] under draws of `sample` of the same shape; x + η for noise without it. */
  combine?(x: Tensor, drawn: Tensor): Tensor;
  /** The distribution in words, for reports: `normal noise of standard deviation 0.25 on pixels in [0, 1]`. */
  describe?(): string;
  /** Steps between 0 and 1 to which the images under noise are rounded: 255 for 8 bits. Absent if they are not rounded. */
  readonly grid?: number;
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

/** The images x [batch, ...pixels] under a draw of the noise: x + η, or what the noise does instead. */
export const underDraw = (noise: Noise, x: Tensor, drawn: Tensor): Tensor =>
  noise.combine?.(x, drawn) ?? add(x, drawn);

/** The images x [batch, ...pixels] under noise, with one draw per key. */
export const underNoise = async (noise: Noise, x: Tensor, keys: readonly Key[]): Promise<Tensor> =>
  underDraw(noise, x, await drawNoise(noise, keys, x.shape));

/** Resolves the name of a noise, such as `normal:0.25`. Throws `UsageError` for an unknown one. */
export type NoiseNamed = (text: string) => Noise;
