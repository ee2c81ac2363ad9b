import type { NodeProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../../test/fixtures/model-fixture.ts";
import { numbersOf, type RunOptions } from "../../../../test/fixtures/run-fixture.ts";
import { type NdArray, type Shape, tensor } from "../../../math/tensor.ts";
import type { AttributeValue } from "../protos.ts";

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

describe("MaxUnpool", () => {
  const pool = { kernel_shape: { ints: [1, 2] }, strides: { ints: [1, 2] } };
  const pair = (attributes: Readonly<Record<string, AttributeValue>>) => [
    nodeOf("MaxPool", ["x"], ["p", "i"], attributes),
    nodeOf("MaxUnpool", ["p", "i"], ["y"], attributes),
  ];

  it("returns maxima to their positions, with zeros elsewhere", () => {
    const x = tensor([1, 1, 2, 4], [1, 5, 3, 2, -1, -2, 0, 4]);
    expect(run(pair(pool), x)).toEqual([0, 5, 3, 0, -1, 0, 0, 4]);
  });

  it("returns a maximum that windows share once", () => {
    const overlapping = { kernel_shape: { ints: [1, 3] }, strides: { ints: [1, 1] } };
    const x = tensor([1, 1, 1, 5], [1, 2, 9, 3, 4]);
    expect(run(pair(overlapping), x)).toEqual([0, 0, 9, 0, 0]);
  });

  it("keeps the last of several elements with the same index, in a stated shape", () => {
    const x = tensor([1, 1, 1, 4], [1, 2, 3, 4]);
    const arrays = { i: int64([2, 0, 2, 5], [1, 1, 1, 4]), s: int64([1, 1, 2, 3]) };
    const node = nodeOf("MaxUnpool", ["x", "i", "s"], ["y"], pool);
    expect(run([node], x, arrays)).toEqual([2, 0, 3, 0, 0, 4]);
  });

  it("refuses an index outside the output", () => {
    const x = tensor([1, 1, 1, 2], [1, 2]);
    const arrays = { i: int64([0, 4], [1, 1, 1, 2]) };
    const node = nodeOf("MaxUnpool", ["x", "i"], ["y"], pool);
    expect(() => run([node], x, arrays)).toThrow("index 4 is outside an output of 4 elements");
  });
});
