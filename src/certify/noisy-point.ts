// Noisy copies of a point off the grid of 8-bit pixels, for certificates of sound sampling: the base classifier rounds its
// input first, so the smoothed classifier is defined by round(x + η) for every real x.
import { fillBits, type Key } from "../math/random.ts";
import { type Shape, tensor } from "../math/tensor.ts";
import { parseNoise } from "../noise/table.ts";
import { certificateOf } from "./certificates.ts";
import { type LowerCumulative, lowerCumulatives } from "./cumulative.ts";
import { cancellation, furthestStep, GRID, gridNoise } from "./grid-noise.ts";
import { anyOf, type NoisyImages, noisyImages, type Sampling } from "./noisy-images.ts";

/** The size of the cache of thresholds, in doubles. */
const MAX_THRESHOLDS = 2 ** 25;

/** F(x) from F of −|x|. */
const cumulative = (lower: LowerCumulative, x: number): number =>
  x <= 0 ? lower(x) : 1 - lower(-x);

/** P(round(255 (x + η)) ≤ level + k) of one pixel with x = (level + offset) / 255, by k + furthest. */
class PixelThresholds {
  readonly #lower: LowerCumulative;
  readonly #furthest: number;
  readonly #tables = new Map<number, Float64Array>();

  constructor(lower: LowerCumulative) {
    this.#lower = lower;
    // An offset moves noise by up to half a step.
    this.#furthest = furthestStep(lower) + 1;
  }

  get count(): number {
    return 2 * this.#furthest;
  }

  #at(offset: number, i: number): number {
    return cumulative(this.#lower, (i - this.#furthest + 0.5 - offset) / GRID);
  }

  /** The step of a uniform number: the least k whose threshold is above it. */
  step(offset: number, uniform: number, pixels: number): number {
    const table = this.#tableOf(offset, pixels);
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const threshold = table?.[middle] ?? this.#at(offset, middle);
      if (uniform < threshold) high = middle;
      else low = middle + 1;
    }
    return low - this.#furthest;
  }

  #tableOf(offset: number, pixels: number): Float64Array | undefined {
    if (pixels * this.count > MAX_THRESHOLDS) return undefined;
    const known = this.#tables.get(offset);
    if (known !== undefined) return known;
    const made = Float64Array.from({ length: this.count }, (_, i) => this.#at(offset, i));
    this.#tables.set(offset, made);
    return made;
  }
}

/** A number in [0, 1) of 53 bits. */
const uniformOf = (high: number, low: number): number => (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;

/**
 * Copies round(255 (x + η)) / 255 [keys, ...shape] of any image x [...shape]. Throws `UsageError` for a noise that cannot be
 * drawn on the grid.
 */
export function noisyPoint(noise: string, shape: Shape): NoisyImages {
  const { definition, parameters } = parseNoise(noise);
  const { errorPerPixel } = gridNoise(noise);
  const thresholds = new PixelThresholds(lowerCumulatives[definition.name](parameters));
  const pixels = shape.reduce((product, n) => product * n, 1);
  const words = new Uint32Array(2 * pixels);
  return {
    error: pixels * (errorPerPixel + thresholds.count * cancellation(parameters) * 2 ** -53),
    draw(image, keys: readonly Key[]) {
      const out = new Float32Array(keys.length * pixels);
      for (const [row, key] of keys.entries()) {
        fillBits(key, words);
        for (let i = 0; i < pixels; i++) {
          const scaled = image[i] * GRID;
          const level = Math.round(scaled);
          const uniform = uniformOf(words[2 * i], words[2 * i + 1]);
          const step = thresholds.step(scaled - level, uniform, pixels);
          out[row * pixels + i] = (level + step) / GRID;
        }
      }
      return tensor([keys.length, ...shape], out);
    },
  };
}

/** Copies of any image [...shape] under the noise as it is sampled; sound sampling rounds them to 8 bits. */
export const noisyPoints = (noise: string, shape: Shape, sampling: Sampling): NoisyImages =>
  anyOf(
    certificateOf(noise).components.map((one) =>
      sampling === "sound" ? noisyPoint(one, shape) : noisyImages(one, shape, sampling),
    ),
  );
