import { expect, it } from "vitest";
import { peakMemory, resetPeakMemory, spread } from "./measure.ts";

it("quartiles lie between neighbours in proportion", () => {
  expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, q1: 1.75, q3: 3.25 });
  expect(spread([5])).toEqual({ median: 5, min: 5, q1: 5, q3: 5 });
});

it("peak memory counts what was touched", () => {
  resetPeakMemory();
  const before = peakMemory();
  const touched = new Uint8Array(2 ** 27).fill(1);
  expect(peakMemory() - before).toBeGreaterThan(0.8 * touched.length);
});
