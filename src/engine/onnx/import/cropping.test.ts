import type { NodeProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../../test/fixtures/model-fixture.ts";
import { numbersOf, type RunOptions } from "../../../../test/fixtures/run-fixture.ts";
import { type NdArray, type Shape, tensor } from "../../../math/tensor.ts";

const int64 = (values: readonly number[], shape: Shape = [values.length]): NdArray => ({
  dtype: "int64",
  shape,
  data: BigInt64Array.from(values, BigInt),
});
const run = (
  nodes: NodeProto[],
  x: NdArray,
  arrays: Readonly<Record<string, NdArray>> = {},
  options: RunOptions = {},
) => numbersOf(nodes, { x }, { arrays, opset: 24, ...options });

describe("CenterCropPad keeps the centre", () => {
  const line = tensor([1, 5], [1, 2, 3, 4, 5]);
  const cropped = (lengths: readonly number[], axes: readonly number[], x = line) =>
    run([nodeOf("CenterCropPad", ["x", "s"], ["y"], { axes: { ints: axes } })], x, {
      s: int64(lengths),
    });

  it.each([
    [3, [2, 3, 4]],
    [2, [2, 3]],
    [7, [0, 1, 2, 3, 4, 5, 0]],
    [8, [0, 1, 2, 3, 4, 5, 0, 0]],
    [5, [1, 2, 3, 4, 5]],
  ])("cut or padded to %i", (length, wanted) => {
    expect(cropped([length], [1])).toEqual(wanted);
  });

  it("along axes in any order, counted from either end", () => {
    const x = tensor(
      [1, 2, 2, 3],
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
    // Columns to 1, rows to 3.
    const wanted = [2, 5, 0, 8, 11, 0];
    expect(cropped([1, 3], [-1, 2], x)).toEqual(wanted);
  });

  it("and refuses lengths that differ from the axes in number", () => {
    expect(() => cropped([1, 2], [1])).toThrow(
      "the number of lengths (2) must equal the number of axes (1)",
    );
  });
});
