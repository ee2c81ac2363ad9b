import fc from "fast-check";
import { expect, it } from "vitest";
import { uniform } from "../math/distributions.ts";
import { fold, keyOf } from "../math/random.ts";
import { descendInLoop, descents, type Places, tanhOf } from "./cw-descent.ts";
import { pointsAt } from "./cw-point.ts";

it("tanh is that of the library to 4e-16, and ±1 far out", () => {
  fc.assert(
    fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (w) => {
      expect(Math.abs(tanhOf(w) - Math.tanh(w))).toBeLessThanOrEqual(4.5e-16);
    }),
    { numRuns: 1000 },
  );
  expect([-1e300, -25, 0, 25, 1e300].map(tanhOf)).toEqual([-1, -1, 0, 1, 1]);
});

// An odd number of pixels: the last pair has one that is not there.
const size = 75;
const images = [0, 1, 2].map((seed) => {
  const { data } = uniform([keyOf(seed)], [1, size]);
  data.set([0, 1, 0.5]);
  return data;
});
const slopes = [3, 4, 5].map((seed) => uniform([keyOf(seed)], [1, size], -1, 1).data);

it("WebAssembly is available: a faulty module would silently fall back to loops", () => {
  expect(descents(100)).not.toBeNull();
});

it("WebAssembly takes the steps that the loop takes, to the bit, each image its own", () => {
  const [fast, slow] = [true, false].map((fast) => pointsAt(images, fast));
  for (let step = 1; step <= 40; step++)
    for (let i = 0; i < images.length; i++) {
      const slope = slopes[(i + step) % 3];
      const weight = step % 5 === 0 ? 0 : -(10 ** (i - 1));
      for (const point of [fast[i], slow[i]]) point.descend(slope, weight, step, 0.01 * (i + 1));
      expect(fast[i].pixels).toEqual(slow[i].pixels);
      expect(fast[i].distance).toBe(slow[i].distance);
    }
  for (const point of fast) point.reset();
  expect(fast.map(({ pixels }) => pixels)).toEqual(images);
});

it("a step in WebAssembly leaves the memory of the loop, doubles included", () => {
  const count = 64;
  const bytes = 52 * count;
  // x, w, tanh, pixels, mean, square, slope: doubles first.
  const places: Places = [40 * count, 0, 8 * count, 44 * count, 16 * count, 24 * count, 48 * count];
  const exponents = fc.double({ min: -12, max: 3, noNaN: true });
  fc.assert(
    fc.property(fc.nat(), exponents, fc.integer({ min: 1, max: 1000 }), (seed, exponent, step) => {
      const instance = descents(bytes);
      if (instance === null) throw new Error("no WebAssembly");
      const { buffer, run } = instance;
      const [x, pixels, slope] = [0, 3, 6].map((i) => new Float32Array(buffer, places[i], count));
      const [w, tanh, mean, square] = [1, 2, 4, 5].map(
        (i) => new Float64Array(buffer, places[i], count),
      );
      const draw = (place: number, low: number, high: number) =>
        uniform([fold(keyOf(seed), place)], [1, count], low, high).data;
      x.set(draw(0, 0, 1));
      w.set(draw(1, -25, 25));
      tanh.set(w.map(tanhOf));
      pixels.set(tanh.map((t) => (t + 1) / 2));
      mean.set(draw(2, -(10 ** exponent), 10 ** exponent));
      square.set(draw(3, 0, 10 ** exponent));
      slope.set(draw(4, -1, 1));
      const copy = buffer.slice(0);
      const shared = {
        weight: -(10 ** exponent),
        learningRate: 0.01,
        unbiasMean: 1 / (1 - 0.9 ** step),
        unbiasSquare: 1 / (1 - 0.999 ** step),
      };
      const { weight, learningRate, unbiasMean, unbiasSquare } = shared;
      const distance = run.descend(
        ...places,
        count / 2,
        weight,
        learningRate,
        unbiasMean,
        unbiasSquare,
      );
      expect(distance).toBe(descendInLoop(copy, places, count, shared));
      expect(new Float64Array(buffer, 0, bytes / 8)).toEqual(new Float64Array(copy, 0, bytes / 8));
    }),
  );
});

it("a step is Adam's on the squared distance and the weighted slope", () => {
  const [point] = pointsAt(images);
  const [image] = images;
  const w = Array.from(image, (x) => Math.atanh((2 * x - 1) * (1 - 1e-6)));
  const [mean, square] = [w.map(() => 0), w.map(() => 0)];
  let pixels = [...image];
  for (let step = 1; step <= 5; step++) {
    pixels = pixels.map((pixel, i) => {
      // At x itself w stands a little inside the box.
      const t = Math.tanh(w[i]);
      const g = ((2 * (pixel - image[i]) - 3 * slopes[0][i]) * (1 - t * t)) / 2;
      mean[i] = 0.9 * mean[i] + 0.1 * g;
      square[i] = 0.999 * square[i] + 0.001 * g * g;
      const unbiased = Math.sqrt(square[i] / (1 - 0.999 ** step)) + 1e-8;
      w[i] -= (0.02 * (mean[i] / (1 - 0.9 ** step))) / unbiased;
      return Math.fround((Math.tanh(w[i]) + 1) / 2);
    });
    point.descend(slopes[0], -3, step, 0.02);
    for (const [i, pixel] of pixels.entries()) expect(point.pixels[i]).toBeCloseTo(pixel, 6);
  }
  const distance = pixels.reduce((sum, pixel, i) => sum + (pixel - image[i]) ** 2, 0);
  expect(point.distance).toBeCloseTo(distance, 5);
});
