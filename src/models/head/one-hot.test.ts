import type { NodeProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../test/fixtures/model-fixture.ts";
import { imported } from "../../../test/fixtures/run-fixture.ts";
import { type NdArray, tensor } from "../../math/tensor.ts";
import { logitsOf } from "../logits.ts";

const whole = (...values: number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** The scores that attacks see for OneHot(ArgMax(x)), x [batch, 3]. */
function seen(batch: number, { axis = -1, last = 0, depth = 3, values = [0, 1] } = {}) {
  const nodes = [
    nodeOf("ArgMax", ["x"], ["a"], {
      axis: { int: 1 },
      keepdims: { int: 0 },
      select_last_index: { int: last },
    }),
    nodeOf("OneHot", ["a", "depth", "values"], ["y"], { axis: { int: axis } }),
  ];
  const arrays = { depth: whole(depth), values: tensor([2], values) };
  return headOf(nodes, batch, arrays);
}

function headOf(nodes: NodeProto[], batch: number, arrays: Readonly<Record<string, NdArray>> = {}) {
  const { outputs } = imported(nodes, { x: tensor([batch, 3]) }, { arrays, opset: 13 });
  return logitsOf(outputs.y, batch, "y");
}

describe("a one-hot row", () => {
  it.each([1, 4])("gives attacks the scores behind it, in a batch of %i", (batch) => {
    for (const axis of [-1, 1]) expect(seen(batch, { axis }).removed).toEqual(["OneHot of ArgMax"]);
    expect(seen(batch).logits.shape).toEqual([batch, 3]);
  });

  it("of other numbers gives its scores if the class has the larger number", () => {
    expect(seen(2, { values: [-5, 7] }).removed).toHaveLength(1);
    expect(seen(2, { values: [1, 0] }).removed).toEqual([]);
  });

  it("with more elements than scores stays as it is", () => {
    expect(seen(2, { depth: 5 }).removed).toEqual([]);
  });

  it("that marks the last of equal scores decides for it", () => {
    expect(seen(2, { last: 1 }).fileDecision?.answer.isLast).toBe(true);
  });

  it("is recognised in Hardmax", () => {
    const nodes = [nodeOf("Hardmax", ["x"], ["y"], { axis: { int: 1 } })];
    expect(headOf(nodes, 2).removed).toEqual(["OneHot of ArgMax"]);
  });
});
