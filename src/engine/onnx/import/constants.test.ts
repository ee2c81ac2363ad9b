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

describe("CumProd", () => {
  it("multiplies from either end, with or without the element itself", () => {
    const x = tensor([5], [1, 2, 3, 4, 5]);
    const product = (attributes: Readonly<Record<string, AttributeValue>>) =>
      run([nodeOf("CumProd", ["x", "axis"], ["y"], attributes)], x, { axis: int64([0], []) });
    expect(product({})).toEqual([1, 2, 6, 24, 120]);
    expect(product({ reverse: { int: 1 } })).toEqual([120, 120, 60, 20, 5]);
    expect(product({ exclusive: { int: 1 } })).toEqual([1, 1, 2, 6, 24]);
    expect(product({ exclusive: { int: 1 }, reverse: { int: 1 } })).toEqual([120, 60, 20, 5, 1]);
  });
});
