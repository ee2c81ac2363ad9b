import { describe, expect, it } from "vitest";
import { keyOf, keysFor } from "../math/random.ts";
import { UsageError } from "../math/usage-error.ts";
import { describeNoise, noiseNamed, noiseNames } from "./table.ts";

const keys = keysFor(keyOf(1), [0, 1, 2, 3]);
const moments = (name: string) => {
  const { data } = noiseNamed(name).sample(keys, [4, 3, 40, 40]);
  const deviation = Math.sqrt(data.reduce((sum, v) => sum + v * v, 0) / data.length);
  const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
  return { deviation, mean, largest: data.reduce((most, v) => Math.max(most, Math.abs(v)), 0) };
};

// 19,200 draws: the deviation is off by more than 4 %, or the mean by 5 of its own, with probability below 1e-6.
it.each([
  ["normal", "normal:0.25", 0.25],
  ["normal:0.5", "normal:0.5", 0.5],
  ["uniform", "uniform:0.2", 0.2 / Math.sqrt(3)],
  ["uniform:8/255", "uniform:0.03137254901960784", 8 / 255 / Math.sqrt(3)],
  ["laplace:0.1", "laplace:0.1", 0.1 * Math.SQRT2],
])("%s is %s, of standard deviation %d", (text, name, expected) => {
  const { deviation, mean } = moments(text);
  expect(noiseNamed(text).name).toBe(name);
  expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.04);
  expect(Math.abs(mean)).toBeLessThan((5 * expected) / Math.sqrt(19_200));
});

it("uniform noise stays within its bound", () => {
  expect(moments("uniform:0.2").largest).toBeLessThanOrEqual(Math.fround(0.2));
});

describe.each(noiseNames)("%s", (kind) => {
  it("is known again by its resolved name, and says its pixel scale", () => {
    const { name } = noiseNamed(kind);
    expect(noiseNamed(name).name).toBe(name);
    expect(describeNoise(kind)).toMatch(/0\.\d+ on pixels in \[0, 1\]$/);
  });

  it.each(["0", "-1", "", "x", "1e", "nan", "0.1:2", "1/0"])("refuses %j", (value) => {
    expect(() => noiseNamed(`${kind}:${value}`)).toThrow(UsageError);
  });

  it("refuses a parameter for pixels in [0, 255]", () => {
    expect(() => noiseNamed(`${kind}:64`)).toThrow(`did you mean ${kind}:64/255?`);
  });
});

it("an unknown noise is answered with the nearest", () => {
  expect(() => noiseNamed("unifrom:0.2")).toThrow("unknown noise unifrom; did you mean uniform?");
});
