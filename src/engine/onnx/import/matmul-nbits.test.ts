import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../../test/fixtures/model-fixture.ts";
import { numbersOf } from "../../../../test/fixtures/run-fixture.ts";
import { type NdArray, tensor } from "../../../math/tensor.ts";

const bytes = (shape: readonly number[], values: readonly number[]): NdArray => ({
  dtype: "uint8",
  shape,
  data: Uint8Array.from(values),
});
const x = tensor([1, 3], [1, 10, 100]);
const product = (
  arrays: Readonly<Record<string, NdArray>>,
  bits: number,
  inputs = Object.keys(arrays),
) => {
  const attributes = {
    N: { int: 2 },
    K: { int: 3 },
    bits: { int: bits },
    block_size: { int: 2 },
  };
  const node = nodeOf("MatMulNBits", ["x", ...inputs], ["y"], attributes, {
    domain: "com.microsoft",
  });
  return numbersOf([node], { x }, { arrays });
};

describe("MatMulNBits dequantises weights in blocks along the inputs,", () => {
  const scales = tensor([4], [1, 0.5, 2, 1]);

  it("two 4-bit numbers per byte, the low half first, minus half of the range", () => {
    // Rows (9, 10 | 12) and (7, 8 | 0), less 8, times the scale of each block.
    const w = bytes([2, 2, 1], [0xa9, 0xfc, 0x87, 0xf0]);
    expect(product({ w, scales }, 4)).toEqual([1 + 20 + 200, -2 - 800]);
  });

  it("8-bit numbers minus the zero point of their block", () => {
    const w = bytes([2, 2, 2], [3, 4, 5, 0, 6, 7, 8, 0]);
    const zeros = bytes([4], [3, 3, 5, 9]);
    expect(product({ w, scales, zeros }, 8)).toEqual([10 + 100, 2 + 40 - 100]);
  });

  it("and refuses weights of the wrong size, other widths, and groups", () => {
    const w = bytes([2, 2, 1], [0, 0, 0, 0]);
    expect(() => product({ w, scales: tensor([2], [1, 1]) }, 4)).toThrow(
      "its attributes state weights [2, 3], which do not fit",
    );
    expect(() => product({ w, scales }, 3)).toThrow("only 2, 4 or 8 bits");
    const groups: NdArray = { dtype: "int32", shape: [3], data: Int32Array.of(0, 0, 1) };
    expect(() => product({ w, scales, groups }, 4, ["w", "scales", "", "groups"])).toThrow("g_idx");
  });
});
