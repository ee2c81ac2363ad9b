import { expect, it } from "vitest";
import { exampleKeys } from "./streams.ts";

it("an example's keys differ by seed, purpose and epoch, and do not depend on its batch", () => {
  const [, key] = exampleKeys(0, "objective", 1, [4, 5]);
  expect(exampleKeys(0, "objective", 1, [5])).toEqual([key]);
  const others = [
    exampleKeys(1, "objective", 1, [5]),
    exampleKeys(0, "augment", 1, [5]),
    exampleKeys(0, "objective", 2, [5]),
    exampleKeys(0, "objective", 1, [6]),
  ];
  expect(new Set([key, ...others.flat()].map(String)).size).toBe(5);
});
