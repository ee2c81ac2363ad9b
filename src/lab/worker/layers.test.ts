import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../../test/fixtures/model-fixture.ts";
import { readModel } from "../../engine/onnx/model.ts";
import { tensor } from "../../index.ts";
import { layersOf } from "./layers.ts";

/** Flatten, `second`, and a Gemm to three classes. */
const fileWith = (second: string) =>
  readModel(
    onnxFile(
      [
        nodeOf("Flatten", ["x"], ["flat"]),
        nodeOf(second, ["flat"], ["middle"]),
        nodeOf("Gemm", ["middle", "w", "b"], ["scores"]),
      ],
      {
        inputs: { x: ["n", 1, 2, 2] },
        outputs: { scores: ["n", 3] },
        arrays: { w: tensor([4, 3]), b: tensor([3]) },
      },
    ),
    new Map(),
  );

describe("the list of operators", () => {
  it("has the shape of each result for one image", () => {
    const layers = layersOf(fileWith("Relu"), [1, 2, 2], true);
    expect(layers.map(({ op, shape }) => [op, shape])).toEqual([
      ["Flatten", "1 × 4"],
      ["Relu", "1 × 4"],
      ["Gemm", "1 × 3"],
    ]);
    expect(layers.some(({ isWrong }) => isWrong)).toBe(false);
  });

  it("marks the operator that cannot be read, and none of those after it", () => {
    const layers = layersOf(fileWith("NoSuchOperator"), [], false);
    expect(layers.map(({ op, isWrong }) => [op, isWrong])).toEqual([
      ["Flatten", false],
      ["NoSuchOperator", true],
      ["Gemm", false],
    ]);
    expect(layers[2].shape).toBe("");
  });
});
