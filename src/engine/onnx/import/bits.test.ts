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

describe("bits of integers", () => {
  /** An operator on the whole numbers of x as `type`, with a stored operand. */
  const onBits = (
    op: string,
    type: number,
    x: readonly number[],
    other: readonly number[] | null,
    attributes: Readonly<Record<string, AttributeValue>> = {},
    stored = false,
  ): number[] => {
    const arrays: Record<string, NdArray> = { a: tensor([x.length], [...x]) };
    if (other !== null) arrays.b = tensor([other.length], [...other]);
    const casts = Object.keys(arrays).map((name) =>
      nodeOf("Cast", [name === "a" && !stored ? "x" : name], [`${name}8`], { to: { int: type } }),
    );
    const inputs = Object.keys(arrays).map((name) => `${name}8`);
    const node = nodeOf(op, inputs, ["y"], attributes);
    return run([...casts, node], tensor([x.length], [...x]), arrays);
  };
  const [UINT8, INT8, INT32, UINT32] = [2, 3, 6, 12];

  describe.each([
    ["of the image", false],
    ["stored in the file", true],
  ])("%s", (_, stored) => {
    it("are lost beyond the upper end of the type", () => {
      const left = { direction: { string: "LEFT" } };
      expect(onBits("BitShift", UINT8, [200, 1, 255, 7], [1, 7, 4, 9], left, stored)).toEqual([
        144, 128, 240, 0,
      ]);
    });

    it("are lost beyond the lower end", () => {
      const right = { direction: { string: "RIGHT" } };
      expect(onBits("BitShift", UINT32, [200, 1, 4294967040], [1, 1, 8], right, stored)).toEqual([
        100, 0, 16777215,
      ]);
    });

    it("are combined, the sign being the highest bit", () => {
      const [a, b] = [
        [12, -1, -128, 5],
        [10, 15, 127, -3],
      ];
      const of = (op: string) => onBits(op, INT8, a, b, {}, stored);
      expect(of("BitwiseAnd")).toEqual([8, 15, 0, 5]);
      expect(of("BitwiseOr")).toEqual([14, -1, -1, -3]);
      expect(of("BitwiseXor")).toEqual([6, -16, -1, -8]);
    });

    it("are inverted", () => {
      expect(onBits("BitwiseNot", UINT8, [0, 200], null, {}, stored)).toEqual([255, 55]);
      expect(onBits("BitwiseNot", INT32, [0, -7], null, {}, stored)).toEqual([-1, 6]);
    });
  });

  it("keep their type through operators that move elements", () => {
    const nodes = [
      nodeOf("Cast", ["x"], ["b"], { to: { int: UINT8 } }),
      nodeOf("Transpose", ["b"], ["t"]),
      nodeOf("Slice", ["t", "from", "to"], ["s"]),
      nodeOf("BitShift", ["s", "n"], ["y"], { direction: { string: "LEFT" } }),
    ];
    const n: NdArray = { dtype: "uint8", shape: [1], data: Uint8Array.of(1) };
    const arrays = { from: int64([0]), to: int64([2]), n };
    expect(run(nodes, tensor([2, 2], [200, 1, 2, 3]), arrays)).toEqual([144, 4, 2, 6]);
  });

  it("of floats are refused", () => {
    const node = nodeOf("BitwiseNot", ["x"], ["y"]);
    expect(() => run([node], tensor([1], [1]))).toThrow("values of type float are not supported");
  });
});
