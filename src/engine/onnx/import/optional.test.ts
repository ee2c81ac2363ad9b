import type { NodeProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../../test/fixtures/model-fixture.ts";
import { numbersOf, type RunOptions } from "../../../../test/fixtures/run-fixture.ts";
import { type NdArray, tensor } from "../../../math/tensor.ts";

const run = (
  nodes: NodeProto[],
  x: NdArray,
  arrays: Readonly<Record<string, NdArray>> = {},
  options: RunOptions = {},
) => numbersOf(nodes, { x }, { arrays, opset: 24, ...options });

describe("an optional value", () => {
  const x = tensor([2], [1, -2]);
  const branches = (present: boolean): NodeProto[] => [
    nodeOf("Optional", present ? ["x"] : [], ["o"]),
    nodeOf("OptionalHasElement", ["o"], ["h"]),
    nodeOf("Cast", ["h"], ["y"], { to: { int: 1 } }),
  ];
  it("is known at import to be present or absent", () => {
    expect(run(branches(true), x)).toEqual([1]);
    expect(run(branches(false), x)).toEqual([0]);
    const left = [nodeOf("OptionalHasElement", [""], ["h"]), ...branches(true).slice(2)];
    expect(run(left, x)).toEqual([0]);
  });

  it("is read if present", () => {
    const nodes = [nodeOf("Optional", ["x"], ["o"]), nodeOf("OptionalGetElement", ["o"], ["y"])];
    expect(run(nodes, x)).toEqual([1, -2]);
  });

  it("may be a sequence", () => {
    const nodes = [
      nodeOf("SequenceConstruct", ["x", "x"], ["l"]),
      nodeOf("Optional", ["l"], ["o"]),
      nodeOf("OptionalGetElement", ["o"], ["m"]),
      nodeOf("ConcatFromSequence", ["m"], ["y"], { axis: { int: 0 } }),
    ];
    expect(run(nodes, x)).toEqual([1, -2, 1, -2]);
  });

  it("is refused if absent and read", () => {
    const nodes = [nodeOf("Optional", [], ["o"]), nodeOf("OptionalGetElement", ["o"], ["y"])];
    expect(() => run(nodes, x)).toThrow("its input is an optional without a value");
  });
});
