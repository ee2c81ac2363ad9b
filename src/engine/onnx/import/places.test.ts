import type { NodeProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../../test/fixtures/model-fixture.ts";
import { numbersOf, type RunOptions, runNodes } from "../../../../test/fixtures/run-fixture.ts";
import { type NdArray, type Shape, tensor } from "../../../math/tensor.ts";
import type { AttributeValue } from "../messages.ts";

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

describe("unpooling puts elements back where they were the largest,", () => {
  const pool = { kernel_shape: { ints: [1, 2] }, strides: { ints: [1, 2] } };
  const pair = (attributes: Readonly<Record<string, AttributeValue>>) => [
    nodeOf("MaxPool", ["x"], ["p", "i"], attributes),
    nodeOf("MaxUnpool", ["p", "i"], ["y"], attributes),
  ];

  it("zeros elsewhere", () => {
    const x = tensor([1, 1, 2, 4], [1, 5, 3, 2, -1, -2, 0, 4]);
    expect(run(pair(pool), x)).toEqual([0, 5, 3, 0, -1, 0, 0, 4]);
  });

  it("once where windows share their largest element", () => {
    const overlapping = { kernel_shape: { ints: [1, 3] }, strides: { ints: [1, 1] } };
    const x = tensor([1, 1, 1, 5], [1, 2, 9, 3, 4]);
    expect(run(pair(overlapping), x)).toEqual([0, 0, 9, 0, 0]);
  });

  it("the last of several that go to one place, and into a shape that is stated", () => {
    const x = tensor([1, 1, 1, 4], [1, 2, 3, 4]);
    const arrays = { i: int64([2, 0, 2, 5], [1, 1, 1, 4]), s: int64([1, 1, 2, 3]) };
    const node = nodeOf("MaxUnpool", ["x", "i", "s"], ["y"], pool);
    expect(run([node], x, arrays)).toEqual([2, 0, 3, 0, 0, 4]);
  });

  it("and is refused where an index lies outside", () => {
    const x = tensor([1, 1, 1, 2], [1, 2]);
    const arrays = { i: int64([0, 4], [1, 1, 1, 2]) };
    const node = nodeOf("MaxUnpool", ["x", "i"], ["y"], pool);
    expect(() => run([node], x, arrays)).toThrow("has an index 4 of 4");
  });
});

describe("the centre is kept,", () => {
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

  it("or is refused where lengths and axes differ in number", () => {
    expect(() => cropped([1, 2], [1])).toThrow("states 2 lengths for 1 axes");
  });
});

describe("bits of whole numbers", () => {
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
    it("leave at the upper end of their type", () => {
      const left = { direction: { text: "LEFT" } };
      expect(onBits("BitShift", UINT8, [200, 1, 255, 7], [1, 7, 4, 9], left, stored)).toEqual([
        144, 128, 240, 0,
      ]);
    });

    it("leave at the lower end", () => {
      const right = { direction: { text: "RIGHT" } };
      expect(onBits("BitShift", UINT32, [200, 1, 4294967040], [1, 1, 8], right, stored)).toEqual([
        100, 0, 16777215,
      ]);
    });

    it("are combined, with the sign as the highest", () => {
      const [a, b] = [
        [12, -1, -128, 5],
        [10, 15, 127, -3],
      ];
      const of = (op: string) => onBits(op, INT8, a, b, {}, stored);
      expect(of("BitwiseAnd")).toEqual([8, 15, 0, 5]);
      expect(of("BitwiseOr")).toEqual([14, -1, -1, -3]);
      expect(of("BitwiseXor")).toEqual([6, -16, -1, -8]);
    });

    it("are turned over", () => {
      expect(onBits("BitwiseNot", UINT8, [0, 200], null, {}, stored)).toEqual([255, 55]);
      expect(onBits("BitwiseNot", INT32, [0, -7], null, {}, stored)).toEqual([-1, 6]);
    });
  });

  it("keep their type behind operators that move elements", () => {
    const nodes = [
      nodeOf("Cast", ["x"], ["b"], { to: { int: UINT8 } }),
      nodeOf("Transpose", ["b"], ["t"]),
      nodeOf("Slice", ["t", "from", "to"], ["s"]),
      nodeOf("BitShift", ["s", "n"], ["y"], { direction: { text: "LEFT" } }),
    ];
    const n: NdArray = { dtype: "uint8", shape: [1], data: Uint8Array.of(1) };
    const arrays = { from: int64([0]), to: int64([2]), n };
    expect(run(nodes, tensor([2, 2], [200, 1, 2, 3]), arrays)).toEqual([144, 4, 2, 6]);
  });

  it("of real numbers do not exist", () => {
    const node = nodeOf("BitwiseNot", ["x"], ["y"]);
    expect(() => run([node], tensor([1], [1]))).toThrow("works on the bits of float");
  });
});

describe("a value that may be absent", () => {
  const x = tensor([2], [1, -2]);
  const branches = (present: boolean): NodeProto[] => [
    nodeOf("Optional", present ? ["x"] : [], ["o"]),
    nodeOf("OptionalHasElement", ["o"], ["h"]),
    nodeOf("Cast", ["h"], ["y"], { to: { int: 1 } }),
  ];
  it("is known to be there or not", () => {
    expect(run(branches(true), x)).toEqual([1]);
    expect(run(branches(false), x)).toEqual([0]);
    const left = [nodeOf("OptionalHasElement", [""], ["h"]), ...branches(true).slice(2)];
    expect(run(left, x)).toEqual([0]);
  });

  it("is taken where it is there", () => {
    const nodes = [nodeOf("Optional", ["x"], ["o"]), nodeOf("OptionalGetElement", ["o"], ["y"])];
    expect(run(nodes, x)).toEqual([1, -2]);
  });

  it("may be a list", () => {
    const nodes = [
      nodeOf("SequenceConstruct", ["x", "x"], ["l"]),
      nodeOf("Optional", ["l"], ["o"]),
      nodeOf("OptionalGetElement", ["o"], ["m"]),
      nodeOf("ConcatFromSequence", ["m"], ["y"], { axis: { int: 0 } }),
    ];
    expect(run(nodes, x)).toEqual([1, -2, 1, -2]);
  });

  it("is refused where it is not there and taken", () => {
    const nodes = [nodeOf("Optional", [], ["o"]), nodeOf("OptionalGetElement", ["o"], ["y"])];
    expect(() => run(nodes, x)).toThrow("takes a value that is absent");
  });
});

describe("sequences", () => {
  it("are written into a cache from a place of their own, round its end", () => {
    const x = tensor([2, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8]);
    const arrays = { u: tensor([2, 2, 1], [-1, -2, -3, -4]), w: int64([1, 3]) };
    const circular = { mode: { text: "circular" } };
    const node = nodeOf("TensorScatter", ["x", "u", "w"], ["y"], circular);
    expect(run([node], x, arrays)).toEqual([1, -1, -2, 4, -4, 6, 7, -3]);
    const linear = nodeOf("TensorScatter", ["x", "u", "w"], ["y"]);
    expect(() => run([linear], x, arrays)).toThrow("writes to position 4 of a cache of 4");
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

  it("have running products, from either end and without the element itself", () => {
    const x = tensor([5], [1, 2, 3, 4, 5]);
    const product = (attributes: Readonly<Record<string, AttributeValue>>) =>
      run([nodeOf("CumProd", ["x", "axis"], ["y"], attributes)], x, { axis: int64([0], []) });
    expect(product({})).toEqual([1, 2, 6, 24, 120]);
    expect(product({ reverse: { int: 1 } })).toEqual([120, 120, 60, 20, 5]);
    expect(product({ exclusive: { int: 1 } })).toEqual([1, 1, 2, 6, 24]);
    expect(product({ exclusive: { int: 1 }, reverse: { int: 1 } })).toEqual([120, 60, 20, 5, 1]);
  });
});

describe("a pool over three axes", () => {
  it("counts its indices through the whole image", () => {
    const x = tensor([1, 1, 2, 2, 2], [1, 8, 3, 4, 5, 6, 7, 2]);
    const cube = { kernel_shape: { ints: [2, 1, 2] } };
    const node = nodeOf("MaxPool", ["x"], ["v", "y"], cube);
    const { y } = runNodes([node], { x }, { opset: 12 });
    expect(Array.from(y.data, Number)).toEqual([1, 6]);
  });
});
