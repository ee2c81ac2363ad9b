import type { Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";

/** A distribution of η, added to pixels in [0, 1]; x + η is not clipped. */
export interface Noise {
  /** As written on the command line: `normal:0.25`, `uniform:0.2`. */
  readonly name: string;
  /** One independent draw per example; shape is [batch, ...pixels] and keys has one entry per row. */
  sample(keys: readonly Key[], shape: Shape): Tensor;
  /** Absent where nothing can be drawn while the network runs. */
  readonly prefetch?: NoisePrefetch;
}

/** The same draws, made while something else computes. */
export interface NoisePrefetch {
  /** Says what will be asked for soon. Nothing but time depends on it. */
  start(keys: readonly Key[], shape: Shape): void;
  /** What `sample` gives, of what was prefetched without the time that it takes; the tensor is the caller's. */
  draw(keys: readonly Key[], shape: Shape): Promise<Tensor>;
}

/** What the noise's `sample` gives, drawn ahead where it was prefetched. */
export const drawn = async (noise: Noise, keys: readonly Key[], shape: Shape): Promise<Tensor> =>
  noise.prefetch?.draw(keys, shape) ?? noise.sample(keys, shape);

/** Makes a noise of its name. */
export type NoiseNamed = (text: string) => Noise;
