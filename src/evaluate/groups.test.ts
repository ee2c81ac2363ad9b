import { expect, it } from "vitest";
import { groupSizeOf, rangesOf } from "./groups.ts";
import { EvaluateOptions } from "./options.ts";

it("ranges cover every image once, in whole groups but for the last one", () => {
  expect(rangesOf(2000, 500, 512)).toEqual([
    { from: 0, to: 512 },
    { from: 512, to: 1024 },
    { from: 1024, to: 1536 },
    { from: 1536, to: 2000 },
  ]);
  expect(rangesOf(5, 1, 2)).toEqual([
    { from: 0, to: 2 },
    { from: 2, to: 4 },
    { from: 4, to: 5 },
  ]);
  expect(rangesOf(3, 100, 8)).toEqual([{ from: 0, to: 3 }]);
  expect(() => rangesOf(3, 0, 8)).toThrow("too small");
});

it("a group is four batches, or as many images as a batch has draws for", () => {
  const options = EvaluateOptions.parse({ attacks: ["pgd-linf"], batch: 32, eot: [2, 8] });
  expect(groupSizeOf(options, false)).toBe(128);
  expect(groupSizeOf(options, true)).toBe(4);
  expect(groupSizeOf(EvaluateOptions.parse({ attacks: ["none"], batch: 32 }), true)).toBe(32);
});
