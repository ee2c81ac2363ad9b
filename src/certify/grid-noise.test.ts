import { describe, expect, it } from "vitest";
import { fillBits, fold, keyOf } from "../math/random.ts";
import { parseNoise } from "../noise/table.ts";
import { lowerCumulatives } from "./cumulative.ts";
import { GRID, gridNoise, gridNoises, onGrid, thresholdsOf } from "./grid-noise.ts";

const key = keyOf(5);

describe.each(gridNoises)("%s on the grid", (name) => {
  const draws = new Int32Array(50_000);
  gridNoise(name).draw(key, draws);
  const { definition, parameters } = parseNoise(name);
  const lower = lowerCumulatives[definition.name](parameters);
  const below = (x: number) => (x <= 0 ? lower(x) : 1 - lower(-x));

  it("has the probabilities of the rounded continuous noise", () => {
    // Six standard deviations of a share at each of 41 points: a false alarm has probability below 1e-7.
    for (let k = -100; k <= 100; k += 5) {
      const share = draws.filter((step) => step <= k).length / draws.length;
      const exact = below((k + 0.5) / GRID);
      const deviation = Math.sqrt((exact * (1 - exact)) / draws.length);
      expect(Math.abs(share - exact)).toBeLessThanOrEqual(6 * deviation + 1e-6);
    }
  });

  it("has a density that agrees with the noise's own", () => {
    for (const x of [-0.31, -0.17, -0.05]) {
      const slope = (lower(x + 1e-5) - lower(x - 1e-5)) / 2e-5;
      expect(slope).toBeCloseTo(definition.density?.(x, parameters) ?? Number.NaN, 4);
    }
  });

  it("is far from the continuous noise by less than 1e-10 per pixel", () => {
    expect(gridNoise(name).errorPerPixel).toBeGreaterThan(0);
    expect(gridNoise(name).errorPerPixel).toBeLessThan(1e-10);
  });
});

it("a draw is the number of thresholds that are not above its 64 bits", () => {
  const size = 20_000;
  for (const text of ["normal:0.25", "laplace:0.02", "normal:0.002"]) {
    const { definition, parameters } = parseNoise(text);
    const { high, low, furthest } = thresholdsOf(lowerCumulatives[definition.name](parameters));
    const thresholds = Array.from(high, (word, i) => (BigInt(word) << 32n) + BigInt(low[i]));
    const [steps, words] = [new Int32Array(size), new Uint32Array(2 * size)];
    gridNoise(text).draw(keyOf(5), steps);
    fillBits(keyOf(5), words);
    const expected = Array.from(steps, (_, i) => {
      const bits = (BigInt(words[2 * i]) << 32n) + BigInt(words[2 * i + 1]);
      const above = thresholds.findIndex((threshold) => threshold > bits);
      return (above < 0 ? thresholds.length : above) - furthest;
    });
    expect(Array.from(steps)).toEqual(expected);
  }
});

it("a draw depends on its key alone", () => {
  const [once, again, other] = [0, 0, 1].map((data) => {
    const steps = new Int32Array(50);
    gridNoise("normal:0.25").draw(fold(key, data), steps);
    return steps;
  });
  expect(once).toEqual(again);
  expect(once).not.toEqual(other);
});

it("pixels of 8-bit images are on the grid, and others are not", () => {
  const pixels = Float32Array.from({ length: 256 }, (_, i) => i / 255);
  expect(onGrid(pixels)).toEqual({ levels: Int32Array.from({ length: 256 }, (_, i) => i) });
  expect(onGrid(Float32Array.of(0, 0.5))).toEqual({ offGrid: 0.5 });
  expect(onGrid(Float32Array.of(Number.NaN))).toHaveProperty("offGrid");
});

it("a pixel beside k/255 is on the grid as far as float32 rounds, and no further", () => {
  for (const k of [1, 77, 128, 254])
    for (const sign of [-1, 1]) {
      expect(onGrid(Float32Array.of(k / 255 + sign * 2e-8))).toEqual({ levels: Int32Array.of(k) });
      expect(onGrid(Float32Array.of(k / 255 + sign * 3e-7))).toHaveProperty("offGrid");
    }
});

it.each(["generalized-normal", "mix-image"])("%s is refused", (name) => {
  expect(() => gridNoise(name)).toThrow(expect.objectContaining({ code: "misfit" }));
});
