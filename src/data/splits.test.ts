import { describe, expect, it } from "vitest";
import { channelStatistics, concatenated, splitOf } from "./splits.ts";

const shape = [2, 1, 2];
const pixels = Uint8Array.of(0, 51, 255, 255, 102, 153, 255, 255);
const labels = Uint8Array.of(1, 0);

describe("a split of bytes", () => {
  const split = splitOf({ pixels, labels }, shape);

  it("gives pixels in [0, 1] in the order asked for, and again when asked twice", () => {
    const { shape: given, data } = split.images([1, 0, 1]);
    expect(given).toEqual([3, 2, 1, 2]);
    const second = [0.4, 0.6, 1, 1];
    const wanted = [...second, 0, 0.2, 1, 1, ...second].map(Math.fround);
    expect([...data]).toEqual(wanted);
  });

  it("has no example beyond its last", () => {
    expect(() => split.images([2])).toThrow("index 2 is out of range: there are 2 examples");
    expect(() => split.images([-1])).toThrow("index -1");
  });
});

describe("channel statistics", () => {
  it("are the population's mean and standard deviation, and 1 for a channel that never changes", () => {
    const { mean, std } = channelStatistics({ pixels, labels }, shape);
    expect(mean[0]).toBeCloseTo(0.3, 12);
    expect(std[0]).toBeCloseTo(Math.sqrt(0.05), 12);
    expect([mean[1], std[1]]).toEqual([1, 1]);
  });

  it("are the same for floats as for bytes", () => {
    const floats = Float32Array.from(pixels, (byte) => byte / 255);
    const [a, b] = [pixels, floats].map((p) => channelStatistics({ pixels: p, labels }, shape));
    expect(b.std[0]).toBeCloseTo(a.std[0], 6);
    expect(b.std[1]).toBe(1);
  });
});

it("concatenated files keep their order", () => {
  const part = (byte: number) => ({ pixels: Uint8Array.of(byte), labels: Uint8Array.of(byte) });
  const { pixels: all, labels: names } = concatenated([part(3), part(1), part(2)]);
  expect([[...all], [...names]]).toEqual([
    [3, 1, 2],
    [3, 1, 2],
  ]);
});
