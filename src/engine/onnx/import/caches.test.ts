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

describe("sequences of different lengths", () => {
  it("are written into a cache from their own start, and wrap if circular", () => {
    const x = tensor([2, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8]);
    const arrays = { u: tensor([2, 2, 1], [-1, -2, -3, -4]), w: int64([1, 3]) };
    const circular = { mode: { string: "circular" } };
    const node = nodeOf("TensorScatter", ["x", "u", "w"], ["y"], circular);
    expect(run([node], x, arrays)).toEqual([1, -1, -2, 4, -4, 6, 7, -3]);
    const linear = nodeOf("TensorScatter", ["x", "u", "w"], ["y"]);
    expect(() => run([linear], x, arrays)).toThrow(
      "position 4 is outside the cache, which has length 4",
    );
  });

  it("are reversed up to their lengths", () => {
    const x = tensor([3, 2], [1, 2, 3, 4, 5, 6]);
    const lengths = { n: int64([3, 2]) };
    expect(run([nodeOf("ReverseSequence", ["x", "n"], ["y"])], x, lengths)).toEqual([
      5, 4, 3, 2, 1, 6,
    ]);
    const rows = { batch_axis: { int: 0 }, time_axis: { int: 1 } };
    const node = nodeOf("ReverseSequence", ["x", "n"], ["y"], rows);
    expect(run([node], x, { n: int64([1, 2, 2]) })).toEqual([1, 2, 4, 3, 6, 5]);
  });
});
