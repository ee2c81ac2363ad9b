import { describe, expect, it } from "vitest";
import { kolmogorov } from "../../test/fixtures/kolmogorov-fixture.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { UsageError } from "../math/usage-error.ts";
import { describeNoise, noiseNamed, noises } from "./table.ts";

const keys = keysFor(keyOf(1), [0, 1, 2, 3]);
const moments = (name: string) => {
  const { data } = noiseNamed(name).sample(keys, [4, 3, 40, 40]);
  const deviation = Math.sqrt(data.reduce((sum, v) => sum + v * v, 0) / data.length);
  const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
  return { deviation, mean, largest: data.reduce((most, v) => Math.max(most, Math.abs(v)), 0) };
};

// 19,200 draws: the deviation is off by more than 4 %, or the mean by 5 standard errors, with probability below 1e-6.
it.each([
  ["normal", "normal:0.25", 0.25],
  ["normal:0.5", "normal:0.5", 0.5],
  ["uniform", "uniform:0.2", 0.2 / Math.sqrt(3)],
  ["uniform:8/255", "uniform:0.03137254901960784", 8 / 255 / Math.sqrt(3)],
  ["laplace:0.1", "laplace:0.1", 0.1 * Math.SQRT2],
  ["generalized-normal:2:0.2", "generalized-normal:2:0.2", 0.2 / Math.SQRT2],
  ["generalized-normal:1:0.1", "generalized-normal:1:0.1", 0.1 * Math.SQRT2],
  ["generalized-normal:inf:0.2", "generalized-normal:inf:0.2", 0.2 / Math.sqrt(3)],
  // Variances add under convolution, and average under mixture.
  ["conv", "conv:0.25:0.2", Math.sqrt(0.25 ** 2 + 0.2 ** 2 / 3)],
  ["mix", "mix:0.25:0.2", Math.sqrt((0.25 ** 2 + 0.2 ** 2 / 3) / 2)],
])("%s is %s, of standard deviation %d", (text, name, expected) => {
  const { deviation, mean } = moments(text);
  expect(noiseNamed(text).name).toBe(name);
  expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.04);
  expect(Math.abs(mean)).toBeLessThan((5 * expected) / Math.sqrt(19_200));
});

it("uniform noise stays within its bound", () => {
  expect(moments("uniform:0.2").largest).toBeLessThanOrEqual(Math.fround(0.2));
});

describe.each(noises.names)("%s", (kind) => {
  it("resolves its full name to itself, and states the pixel scale", () => {
    const { name } = noiseNamed(kind);
    expect(noiseNamed(name).name).toBe(name);
    expect(describeNoise(kind)).toMatch(/0\.\d+ on pixels in \[0, 1\]$/);
  });

  const parameters = noiseNamed(kind).name.split(":").slice(1);

  it.each(["0", "-1", "", "x", "1e", "nan", "0.1:2:3", "1/0"])("refuses %j", (value) => {
    const others = parameters.slice(1);
    expect(() => noiseNamed([kind, value, ...others].join(":"))).toThrow(UsageError);
    expect(() => noiseNamed([kind, ...others, value].join(":"))).toThrow(UsageError);
  });

  it("refuses a parameter for pixels in [0, 255]", () => {
    const [others, text] = [parameters.slice(0, -1), (last: string) => [...others, last].join(":")];
    expect(() => noiseNamed(`${kind}:${text("64")}`)).toThrow(
      `did you mean ${kind}:${text("64/255")}?`,
    );
  });

  it("draws an example from its key alone, whatever the batch", () => {
    const noise = noiseNamed(kind);
    const { data } = noise.sample(keys, [4, 3, 5]);
    expect(noise.sample([keys[2]], [1, 3, 5]).data).toEqual(data.slice(30, 45));
  });
});

/** Noises whose pixels are independent, which have a density per pixel. */
const perPixel = noises.all.filter(({ density }) => density !== undefined);

describe.each([
  ...perPixel.map(({ name }) => name),
  "generalized-normal:1:0.2",
  "generalized-normal:1.5:0.2",
  "generalized-normal:2:0.2",
  "generalized-normal:10:0.2",
  "generalized-normal:0.7:0.05",
  "mix:0.3:0.1",
])("%s has the stated density", (text) => {
  const [kind] = text.split(":");
  const definition = noises.named(kind);
  const values = noiseNamed(text)
    .name.split(":")
    .slice(1)
    .map((one) => Number(one.replace("inf", "Infinity")));
  const names = Object.keys(definition.parameters);
  const parameters = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  const density = (at: number) => definition.density?.(at, parameters) ?? Number.NaN;

  it("of total mass 1", () => {
    expect(table(density).total).toBeCloseTo(1, 4);
  });

  // The bound is exceeded with probability 1e-6: 2 exp(−2 · 2.69²). With one coin an image only images are independent.
  it("at a fixed key (Kolmogorov–Smirnov)", () => {
    const [images, row] = kind === "mix-image" ? [20_000, 1] : [5, 20_000];
    const many = keysFor(
      keyOf(11),
      Array.from({ length: images }, (_, i) => i),
    );
    const { data } = noiseNamed(text).sample(many, [images, row]);
    expect(kolmogorov(data, table(density).cdf)).toBeLessThan(2.69);
  });
});

/** The integral of a density over [−LIMIT, x] by the midpoint rule; ±LIMIT holds all but 1e-5 of every noise here. */
const LIMIT = 3;
const CELLS = 60_000;
function table(density: (x: number) => number) {
  const width = (2 * LIMIT) / CELLS;
  const sums = new Float64Array(CELLS + 1);
  for (let i = 0; i < CELLS; i++)
    sums[i + 1] = sums[i] + width * density((i + 0.5) * width - LIMIT);
  const cdf = (x: number) => {
    const place = (x + LIMIT) / width;
    const below = Math.floor(place);
    return sums[below] + (place - below) * (sums[below + 1] - sums[below]);
  };
  return { total: sums[CELLS], cdf };
}

describe("mix", () => {
  const far = (data: Float32Array) => data.filter((v) => Math.abs(v) > 0.2).length;

  it("tosses a coin per pixel: every image has large normal draws", () => {
    const { data } = noiseNamed("mix").sample(keys, [4, 1000]);
    for (let i = 0; i < 4; i++)
      expect(far(data.subarray(1000 * i, 1000 * i + 1000))).toBeGreaterThan(100);
  });

  it("per image tosses one coin: half of the images have no large draw", () => {
    const many = keysFor(keyOf(2), [...Array(400).keys()]);
    const { data } = noiseNamed("mix-image").sample(many, [400, 100]);
    const uniform = many.filter((_, i) => far(data.subarray(100 * i, 100 * i + 100)) === 0).length;
    expect(Math.abs(uniform - 200)).toBeLessThan(50); // five standard deviations
  });
});

it.each([
  ["splitting:0.15", "did you mean splitting:77/510?"],
  ["splitting:0.0001", "did you mean splitting:1/510?"],
  ["splitting:2.5001", "did you mean splitting:1275/510?"],
])("%s is not a multiple of half a level", (text, message) => {
  expect(() => noiseNamed(text)).toThrow(message);
});

it.each(["splitting:3.5", "splitting:77/510", "splitting:1/510"])("%s may be used", (text) => {
  expect(noiseNamed(noiseNamed(text).name).name).toBe(noiseNamed(text).name);
});

it("suggests the nearest name for an unknown noise", () => {
  expect(() => noiseNamed("unifrom:0.2")).toThrow("unknown noise unifrom; did you mean uniform?");
});
