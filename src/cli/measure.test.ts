import { expect, it } from "vitest";
import { nodeRuntime } from "../runtime/node.ts";
import { gemmPeak, peakMemory, resetPeakMemory, spread } from "./measure.ts";

it("quartiles lie between neighbours in proportion", () => {
  expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, q1: 1.75, q3: 3.25 });
  expect(spread([5])).toEqual({ median: 5, min: 5, q1: 5, q3: 5 });
});

it("peak memory counts what was touched since the reset, even after it was given back", () => {
  resetPeakMemory();
  const before = peakMemory();
  const size = 300 * 2 ** 20;
  const touched = new Uint8Array(size).fill(1).reduce((sum, v, i) => (i % 4096 ? sum : sum + v), 0);
  expect(touched).toBe(size / 4096);
  expect(peakMemory() - before).toBeGreaterThan(0.5 * size);
});

it("the peak of one thread lies between what any CPU and what none reaches", async () => {
  const peak = await gemmPeak(await nodeRuntime({ threads: 1 }));
  expect(peak).toBeGreaterThan(1e8);
  expect(peak).toBeLessThan(1e12);
});
