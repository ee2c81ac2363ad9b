import { expect, it } from "vitest";
import { gradient } from "../autodiff/gradient.ts";
import { conv, input, matmul, sum } from "../graph/ops.ts";
import { architecture } from "../models/index.ts";
import { benchInput, benchTask, works } from "./bench-work.ts";
import { flopsOf } from "./flops.ts";

it("a convolution costs two operations per output element and weight that it sees", () => {
  const y = conv(input("x", [2, 3, 8, 8]), input("w", [4, 3, 3, 3]), {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  expect(flopsOf([y])).toBe(2 * (2 * 4 * 4 * 4) * (3 * 3 * 3));
});

it("both gradients of a convolution cost as much as the convolution", () => {
  const x = input("x", [2, 4, 9, 9]);
  const w = input("w", [6, 2, 3, 3]);
  const y = conv(x, w, { groups: 2, pads: [1, 1, 1, 1] });
  const once = flopsOf([y]);
  const [dx, dw] = gradient(sum(y), [x, w]);
  expect(flopsOf([dx])).toBe(once);
  expect(flopsOf([dw])).toBe(once);
  expect(flopsOf([y, dx, dw])).toBe(3 * once);
});

it("a product of matrices costs 2 m k n", () => {
  expect(flopsOf([matmul(input("a", [5, 7]), input("b", [7, 3]))])).toBe(2 * 5 * 7 * 3);
});

// Zagoruyko & Komodakis 2016 and later papers give 5.2 billion multiplications per picture.
it("WRN-28-10 has the published cost, and ∂L/∂x doubles it", () => {
  const task = benchTask("wrn-10-1", 1, 0);
  const published = { ...task, network: architecture("wrn-28-10", benchInput) };
  expect(works.gradient.flops(published) / 2 / 2e9).toBeCloseTo(5.24, 1);
});
