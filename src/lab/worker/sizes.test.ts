import { expect, it } from "vitest";
import { tensor } from "../../index.ts";
import { sizesOf } from "./sizes.ts";

it("gives the sizes of the difference of two images in each norm", () => {
  const x = tensor([1, 1, 1, 3], [0.5, 0.5, 1]);
  const y = tensor([1, 1, 1, 3], [0.5, 0.75, 0.5]);
  const { linf, l2, l1 } = sizesOf(x, y);
  expect(linf).toBe(0.5);
  expect(l2).toBeCloseTo(Math.sqrt(0.25 + 0.0625), 6);
  expect(l1).toBeCloseTo(0.75, 6);
});
