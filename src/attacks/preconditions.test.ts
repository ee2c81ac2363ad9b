import { expect, it } from "vitest";
import { tensor } from "../math/tensor.ts";
import { checkGradient } from "./preconditions.ts";

const LARGEST = (2 - 2 ** -23) * 2 ** 127;

it("takes any finite gradient, also a view into a larger array", () => {
  checkGradient(tensor([2, 3], [0, -0, 1e-45, -1e-45, LARGEST, -LARGEST]));
  checkGradient(tensor([0, 3]));
  const whole = Float32Array.of(Number.NaN, 1, 2, Number.POSITIVE_INFINITY);
  checkGradient(tensor([1, 2], whole.subarray(1, 3)));
});

it.each([
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "Infinity"],
  [Number.NEGATIVE_INFINITY, "-Infinity"],
])("refuses %d with its place", (value, text) => {
  expect(() => checkGradient(tensor([2, 2], [1, LARGEST, value, -1]))).toThrow(
    `the gradient is ${text} at pixel 2 of the batch`,
  );
});
