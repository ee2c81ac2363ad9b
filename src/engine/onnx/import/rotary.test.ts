import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../../test/fixtures/model-fixture.ts";
import { numbersOf } from "../../../../test/fixtures/run-fixture.ts";
import { type NdArray, type Shape, tensor } from "../../../math/tensor.ts";

const int64 = (shape: Shape, values: readonly number[]): NdArray => ({
  dtype: "int64",
  shape,
  data: BigInt64Array.from(values, BigInt),
});
/** Angles of two pairs: a quarter turn and none at position 0, a half and a quarter turn at position 1. */
const cos = tensor([2, 2], [0, 1, -1, 0]);
const sin = tensor([2, 2], [1, 0, 0, 1]);
const x = tensor([1, 1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);

describe("a rotary embedding rotates pairs by the angles of their positions:", () => {
  const tables = { cos, sin, at: int64([1, 2], [0, 1]) };

  it("pairs across the two halves", () => {
    const node = nodeOf("RotaryEmbedding", ["x", "cos", "sin", "at"], ["y"]);
    // (1, 3) by a quarter, (2, 4) by nothing; (5, 7) by a half, (6, 8) by a quarter.
    expect(numbersOf([node], { x }, { opset: 23, arrays: tables })).toEqual([
      -3, 2, 1, 4, -5, -8, -7, 6,
    ]);
  });

  it("pairs of neighbours", () => {
    const interleaved = { interleaved: { int: 1 } };
    const node = nodeOf("RotaryEmbedding", ["x", "cos", "sin", "at"], ["y"], interleaved);
    expect(numbersOf([node], { x }, { opset: 23, arrays: tables })).toEqual([
      -2, 1, 3, 4, -5, -6, -8, 7,
    ]);
  });

  it("by the table rows of the positions", () => {
    const node = nodeOf("RotaryEmbedding", ["x", "cos", "sin", "at"], ["y"]);
    const arrays = { cos, sin, at: int64([1, 2], [1, 1]) };
    expect(numbersOf([node], { x }, { opset: 23, arrays })).toEqual([-1, -4, -3, 2, -5, -8, -7, 6]);
  });

  it("the first dimensions only, if stated", () => {
    const partial = { rotary_embedding_dim: { int: 2 }, num_heads: { int: 1 } };
    const node = nodeOf("RotaryEmbedding", ["x", "cos", "sin"], ["y"], partial);
    const arrays = { cos: tensor([1, 2, 1], [0, -1]), sin: tensor([1, 2, 1], [1, 0]) };
    const rows = { x: tensor([1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]) };
    expect(numbersOf([node], rows, { opset: 23, arrays })).toEqual([-2, 1, 3, 4, -5, -6, 7, 8]);
  });

  it("and refuses tables of the wrong shape", () => {
    const node = nodeOf("RotaryEmbedding", ["x", "cos", "sin"], ["y"]);
    const run = () => numbersOf([node], { x }, { opset: 23, arrays: { cos, sin } });
    expect(run).toThrow("[batch, length, size/2] is required");
    const narrow = { cos: tensor([2, 1], [1, 1]), sin: tensor([2, 1], [0, 0]) };
    const arrays = { ...narrow, at: int64([1, 2], [0, 1]) };
    const positioned = nodeOf("RotaryEmbedding", ["x", "cos", "sin", "at"], ["y"]);
    expect(() => numbersOf([positioned], { x }, { opset: 23, arrays })).toThrow(
      "rotating 4 of 4 numbers per head requires tables with 2 columns, but they have 1 and 1",
    );
  });
});
