import { expect, it } from "vitest";
import { gradient } from "../engine/autodiff/gradient.ts";
import { input, matmul, sum } from "../engine/graph/ops.ts";
import { conv } from "../engine/graph/windows.ts";
import { architecture } from "./architectures.ts";
import { flopsOf, flopsPerImage } from "./flops.ts";

it("a convolution costs two operations per output element and weight", () => {
  const y = conv(input("x", [2, 3, 8, 8]), input("w", [4, 3, 3, 3]), {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  expect(flopsOf([y])).toBe(2 * (2 * 4 * 4 * 4) * (3 * 3 * 3));
});

it("each gradient of a convolution costs as much as the convolution", () => {
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

const cifar = {
  shape: [3, 32, 32],
  classes: 10,
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
};

// Zagoruyko & Komodakis 2016 and later papers give 5.2 billion multiplications per image.
it("WRN-28-10 has the published cost; a gradient costs twice, a training step three times as much", () => {
  const { forward, gradient: attack, step } = flopsPerImage(architecture("wrn-28-10", cifar));
  expect(forward / 2e9).toBeCloseTo(5.24, 1);
  expect(attack / forward).toBeCloseTo(2, 1);
  expect(step / forward).toBeCloseTo(3, 1);
});
