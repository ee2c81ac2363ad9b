// One image of C&W with Adam's state, in double precision.

import { descendInLoop, descents, type Places } from "./cw-descent.ts";

/** The current point x′ = (tanh w + 1)/2 of a search from x; arrays hold one number per pixel. */
export interface Point {
  /** x′ as the input of the victim; tanh keeps it in [0, 1]. */
  readonly pixels: Float32Array;
  /** ‖x′ − x‖₂². */
  readonly distance: number;
  /** Returns to x, where the gradient of the distance is 0 (as in the authors' code), and clears Adam's state. */
  reset(): void;
  /**
   * Step number `step` (from 1) of Adam (Kingma & Ba 2015, arXiv:1412.6980, Alg. 1; β₁ 0.9, β₂ 0.999, ε 1e-8) on
   * ‖x′ − x‖₂² + weight · g(x′), where `slope` is ∂g/∂x′.
   */
  descend(slope: Float32Array, weight: number, step: number, learningRate: number): void;
}

/** Bytes per pixel: x and pixels in single precision; the start of w, w, tanh w and Adam's means in double precision. */
const BYTES = 2 * 4 + 5 * 8;

/**
 * The points at `images`, each [pixels] in [0, 1], all in one memory; in WebAssembly if there is SIMD and `fast` is true. The
 * bits are the same.
 */
export function pointsAt(images: readonly Float32Array[], fast = true): Point[] {
  const length = images[0]?.length ?? 0;
  // A step works on pairs of pixels. The padding of an odd number does not move.
  const size = 2 * Math.ceil(length / 2);
  const bytes = images.length * size * BYTES + 4 * size;
  const instance = fast ? descents(bytes) : null;
  const buffer = instance?.buffer ?? new ArrayBuffer(bytes);
  const slopeAt = images.length * size * BYTES;
  const slopes = new Float32Array(buffer, slopeAt, length);

  return images.map((image, i) => {
    const first = i * size * BYTES;
    const doubles = [0, 1, 2, 3, 4].map((place) => first + 8 * size * place);
    const [, wAt, tanhAt, meanAt, squareAt] = doubles;
    const [xAt, pixelsAt] = [first + 40 * size, first + 44 * size];
    const places: Places = [xAt, wAt, tanhAt, pixelsAt, meanAt, squareAt, slopeAt];
    const [start, w, tanh, mean, square] = doubles.map((at) => new Float64Array(buffer, at, size));
    const [x, pixels] = [xAt, pixelsAt].map((at) => new Float32Array(buffer, at, size));
    x.fill(0.5);
    x.set(image);
    // w at x, where x is moved inside the box by 1e-6 of the half-width, because atanh is infinite at the edges.
    for (let j = 0; j < size; j++) start[j] = Math.atanh((2 * x[j] - 1) * (1 - 1e-6));
    let distance = 0;
    const point: Point = {
      pixels: pixels.subarray(0, length),
      get distance() {
        return distance;
      },
      reset() {
        w.set(start);
        pixels.set(x);
        for (let j = 0; j < size; j++) tanh[j] = (2 * x[j] - 1) * (1 - 1e-6);
        mean.fill(0);
        square.fill(0);
        distance = 0;
      },
      descend(slope, weight, step, learningRate) {
        slopes.set(slope);
        const [unbiasMean, unbiasSquare] = [1 / (1 - 0.9 ** step), 1 / (1 - 0.999 ** step)];
        distance =
          instance === null
            ? descendInLoop(buffer, places, size, {
                weight,
                learningRate,
                unbiasMean,
                unbiasSquare,
              })
            : instance.run.descend(
                ...places,
                size / 2,
                weight,
                learningRate,
                unbiasMean,
                unbiasSquare,
              );
      },
    };
    point.reset();
    return point;
  });
}
