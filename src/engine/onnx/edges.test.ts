// Operators at the edges of their formulas: zero vectors, infinities, large negative numbers.
import type { NodeProto } from "onnx-buf";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../../test/fixtures/model-fixture.ts";
import { imported, numbersOf } from "../../../test/fixtures/run-fixture.ts";
import { tensor } from "../../math/tensor.ts";
import { gradient } from "../autodiff/gradient.ts";
import { interpret } from "../graph/interpret.ts";
import { sum } from "../graph/ops.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

/** The result of ONNX Runtime. */
async function truth(nodes: NodeProto[], x: OrtTensor, opset: number): Promise<number[]> {
  const inputs = { x: x.dims };
  const bytes = onnxFile(nodes, { inputs, outputs: { y: null }, arrays: {}, opset });
  const options = { logSeverityLevel: 3, graphOptimizationLevel: "disabled" } as const;
  const session = await InferenceSession.create(bytes, options);
  const { y } = await session.run({ x });
  await session.release();
  return [...(y.data as Float32Array)];
}

const overAxis = { axes: { ints: [1] } };
const overNorm = [nodeOf("ReduceL2", ["x"], ["n"], overAxis), nodeOf("Div", ["x", "n"], ["y"])];
const lpNorm = (p: number) => [nodeOf("LpNormalization", ["x"], ["y"], { p: { int: p } })];
const logSumExp = [nodeOf("ReduceLogSumExp", ["x"], ["y"], overAxis)];
const pooled = [nodeOf("GlobalLpPool", ["x"], ["n"]), nodeOf("Div", ["x", "n"], ["y"])];

describe("agrees with ONNX Runtime:", () => {
  it.each([
    ["a vector of zeros over its norm is NaN", overNorm, [1, 3], [0, 0, 0]],
    ["zeros over their pooled norm are NaN", pooled, [1, 1, 3], [0, 0, 0]],
    ["a vector over its norm", overNorm, [1, 3], [3, 0, -4]],
    ["LpNormalization of zeros is 0 in ℓ1", lpNorm(1), [1, 3], [0, 0, 0]],
    ["LpNormalization of zeros is 0 in ℓ2", lpNorm(2), [1, 3], [0, 0, 0]],
    ["log Σ exp with a class at −∞", logSumExp, [1, 3], [-inf, 1, 2]],
    ["log Σ exp of classes all at −∞", logSumExp, [1, 3], [-inf, -inf, -inf]],
    ["log Σ exp with a class at ∞", logSumExp, [1, 3], [inf, 1, -inf]],
    ["Asinh", [nodeOf("Asinh", ["x"], ["y"])], [1, 6], [-5000, -200, 200, 5000, 0, 1]],
    ["Asinh of infinities", [nodeOf("Asinh", ["x"], ["y"])], [1, 2], [-inf, inf]],
  ] as const)("%s", async (_, nodes, shape, values) => {
    const x = Float32Array.from(values);
    const wanted = await truth([...nodes], new OrtTensor("float32", x, [...shape]), 12);
    const found = numbersOf([...nodes], { x: tensor([...shape], x) }, { opset: 12 });
    expect(found.map(Number.isNaN)).toEqual(wanted.map(Number.isNaN));
    for (const [i, value] of wanted.entries())
      if (Number.isFinite(value)) expect(Math.abs(found[i] - value)).toBeLessThan(1e-4);
      else expect(found[i]).toBe(value);
  });
});

describe("gradients", () => {
  const slopesOf = (node: NodeProto, x: readonly number[]) => {
    const feeds = { x: tensor([1, x.length], x) };
    const { outputs, inputs } = imported([node], feeds, { opset: 12 });
    const [dx] = gradient(sum(outputs.y), [inputs.x]);
    return [...interpret([dx], feeds)[0].data];
  };

  it("of the norm of zeros are 0", () => {
    expect(slopesOf(nodeOf("ReduceL2", ["x"], ["y"], overAxis), [0, 0])).toEqual([0, 0]);
  });

  it("of Asinh are 1/√(x² + 1), also at 0 and far below", () => {
    const x = [0, -5000, 3, -3];
    const found = slopesOf(nodeOf("Asinh", ["x"], ["y"]), x);
    for (const [i, v] of x.entries()) expect(Number(found[i])).toBeCloseTo(1 / Math.hypot(v, 1), 5);
    expect(found).not.toContain(nan);
  });
});
