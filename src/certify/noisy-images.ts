import { fold, type Key } from "../math/random.ts";
import { elementCount, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { noiseNamed } from "../noise/table.ts";
import { GRID, gridNoise, onGrid } from "./grid-noise.ts";

/** Sampling of noise: integers on the grid of 8-bit pixels, or float32, with which certificates may be wrong. */
export const samplings = ["sound", "naive"] as const;
export type Sampling = (typeof samplings)[number];

/** Makes noisy copies of images. */
export interface NoisyImages {
  /**
   * Noisy copies [keys, ...shape] of one image [...shape] with pixels in [0, 1]; a copy depends only on its key, or, if draws
   * are enumerated, only on its number. `first` is the number of the first copy.
   */
  draw(image: Float32Array, keys: readonly Key[], first: number): Tensor;
  /** Upper bound of the total variation between the drawn noise and exact noise, for one image. */
  readonly error: number;
}

/** The pixels of an 8-bit image as integers. Throws `UsageError` for another image. */
export function levelsOf(image: Float32Array): Int32Array {
  const found = onGrid(image);
  if ("levels" in found) return found.levels;
  throw new UsageError(
    `sound sampling needs 8-bit images, got a pixel of ${found.offGrid}, which is not a multiple of 1/255; use --sampling naive, or 8-bit images of the network's size`,
    { code: "misfit" },
  );
}

function soundImages(noise: string, shape: Shape): NoisyImages {
  const { draw, errorPerPixel } = gridNoise(noise);
  const steps = new Int32Array(elementCount(shape));
  return {
    error: errorPerPixel * steps.length,
    draw(image, keys) {
      const levels = levelsOf(image);
      const out = new Float32Array(keys.length * levels.length);
      for (let row = 0; row < keys.length; row++) {
        draw(keys[row], steps);
        const from = row * levels.length;
        for (let i = 0; i < levels.length; i++) out[from + i] = (levels[i] + steps[i]) / GRID;
      }
      return tensor([keys.length, ...shape], out);
    },
  };
}

function naiveImages(noise: string, shape: Shape): NoisyImages {
  const { sample } = noiseNamed(noise);
  const size = elementCount(shape);
  return {
    error: 0,
    draw(image, keys) {
      const eta = sample(keys, [keys.length, ...shape]);
      const out = new Float32Array(eta.data.length);
      for (let i = 0; i < out.length; i++) out[i] = image[i % size] + eta.data[i];
      return tensor(eta.shape, out);
    },
  };
}

/**
 * Noisy copies of images of `shape` [channel, height, width]. Throws `UsageError` for a noise that cannot be drawn this
 * way.
 */
export const noisyImages = (noise: string, shape: Shape, sampling: Sampling): NoisyImages =>
  sampling === "sound" ? soundImages(noise, shape) : naiveImages(noise, shape);

/** Noisy copies under one of several noises, which the copy's key chooses at random. */
export function anyOf(parts: readonly NoisyImages[]): NoisyImages {
  const [only] = parts;
  if (parts.length === 1) return only;
  return {
    error: Math.max(...parts.map(({ error }) => error)),
    draw(image, keys) {
      const copies = keys.map((key) => {
        const part = parts[fold(key, 0)[0] % parts.length];
        return part.draw(image, [fold(key, 1)], 0);
      });
      const [, ...shape] = copies[0].shape;
      const data = new Float32Array(keys.length * image.length);
      copies.forEach((copy, i) => {
        data.set(copy.data, i * image.length);
      });
      return tensor([keys.length, ...shape], data);
    },
  };
}
