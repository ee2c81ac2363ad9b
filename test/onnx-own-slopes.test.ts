// Gradients of imported operators where they are easily lost: at masks, at step functions, at elements that are written twice.

import type { NodeProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { gradient } from "../src/engine/autodiff/gradient.ts";
import * as g from "../src/engine/graph/expressions.ts";
import { interpret } from "../src/engine/graph/interpret.ts";
import { type NdArray, tensor } from "../src/math/tensor.ts";
import { nodeOf } from "./fixtures/model-fixture.ts";
import { imported, type RunOptions } from "./fixtures/run-fixture.ts";

/** The gradient of the sum of y by x. */
function slopeOf(nodes: NodeProto[], x: NdArray, options: RunOptions = {}): number[] {
  const { outputs, inputs } = imported(nodes, { x }, options);
  const [slope] = interpret(gradient(g.sum(outputs.y), [inputs.x]), { x });
  return Array.from(slope.data as ArrayLike<number>, Number);
}

describe("attention of a query that may attend to no key", () => {
  const x = tensor([1, 1, 2, 2], [1, -1, 0.5, 2]);
  const k = tensor([1, 1, 3, 2], [1, 0, 0, 1, -1, 1]);
  const v = tensor([1, 1, 3, 1], [1, 2, 4]);
  const masked = tensor(
    [2, 3],
    [Number.NEGATIVE_INFINITY, 0, 0].flatMap((n) => [n, n, n]).slice(0, 6),
  );
  const flags: NdArray = { dtype: "bool", shape: [2, 3], data: Uint8Array.of(0, 0, 0, 1, 1, 1) };
  it.each([
    ["a float mask", masked],
    ["a bool mask", flags],
  ])("has a gradient of zero for it, and the right one for the others: %s", (_, mask) => {
    const node = nodeOf("Attention", ["x", "k", "v", "m"], ["y"]);
    const slope = slopeOf([node], x, { opset: 23, arrays: { k, v, m: mask } });
    // y of the second query = Σ wⱼvⱼ with w = softmax(q·kⱼ/√2), so ∂y/∂q = Σ wⱼ(vⱼ − y)kⱼ/√2.
    const scores = [0.5, 2, 1.5].map((score) => Math.exp(score / Math.SQRT2));
    const total = scores[0] + scores[1] + scores[2];
    const w = scores.map((score) => score / total);
    const y = w[0] + 2 * w[1] + 4 * w[2];
    const terms = [w[0] * (1 - y), w[1] * (2 - y), w[2] * (4 - y)];
    const wanted = [0, 0, (terms[0] - terms[2]) / Math.SQRT2, (terms[1] + terms[2]) / Math.SQRT2];
    for (const [i, n] of slope.entries()) expect(n).toBeCloseTo(wanted[i], 5);
  });
});

describe("straight through a quantiser", () => {
  const x = tensor([4], [0.3, -0.6, 9, -9]);
  const slope = (op: string, parameters: readonly number[], straightThrough = true) => {
    const arrays = Object.fromEntries(parameters.map((v, i) => [`a${i}`, tensor([], [v])]));
    const domain = "qonnx.custom_op.general";
    const node = nodeOf(op, ["x", ...Object.keys(arrays)], ["y"], {}, { domain });
    return slopeOf([node], x, { arrays, importOptions: { straightThrough } });
  };
  it("to integers, the gradient is 1 within the range and 0 outside", () => {
    expect(slope("Quant", [0.5, 0, 4])).toEqual([1, 1, 0, 0]);
    expect(slope("Quant", [0.5, 0, 4], false)).toEqual([0, 0, 0, 0]);
  });
  it("to minifloats, the gradient is 1 within the range and 0 outside", () => {
    expect(slope("FloatQuant", [0.25, 2, 2, 1, 7])).toEqual([1, 1, 0, 0]);
    expect(slope("FloatQuant", [0.25, 2, 2, 1, 7], false)).toEqual([0, 0, 0, 0]);
  });
  it("to signs, the gradient is the scale", () => {
    expect(slope("BipolarQuant", [0.5])).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect(slope("BipolarQuant", [0.5], false)).toEqual([0, 0, 0, 0]);
  });
  it("to fewer bits, the gradient is the new scale over the old one", () => {
    expect(slope("Trunc", [0.25, 0, 8, 6])).toEqual([0.25, 0.25, 0.25, 0.25]);
  });
});

describe("MaxUnpool of windows that share a maximum", () => {
  it("passes its gradient to the maximum once", () => {
    const overlapping = { kernel_shape: { ints: [1, 3] }, strides: { ints: [1, 1] } };
    const x = tensor([1, 1, 1, 5], [1, 2, 9, 3, 4]);
    const pool = nodeOf("MaxPool", ["x"], ["p", "i"], overlapping);
    const unpool = nodeOf("MaxUnpool", ["p", "i"], ["y"], overlapping);
    expect(slopeOf([pool, unpool], x)).toEqual([0, 0, 1, 0, 0]);
  });

  it("passes its gradient to the last of several elements with one index", () => {
    const x = tensor([1, 1, 1, 4], [1, 2, 3, 4]);
    const indices: NdArray = {
      dtype: "int64",
      shape: [1, 1, 1, 4],
      data: BigInt64Array.of(2n, 0n, 2n, 3n),
    };
    const kernel = { kernel_shape: { ints: [1, 1] } };
    const node = nodeOf("MaxUnpool", ["x", "i"], ["y"], kernel);
    expect(slopeOf([node], x, { arrays: { i: indices } })).toEqual([0, 1, 1, 1]);
  });
});

it("the gradient of a cumulative product is the product of the other factors, also at 0", () => {
  const axis: NdArray = { dtype: "int64", shape: [], data: BigInt64Array.of(0n) };
  const node = nodeOf("CumProd", ["x", "axis"], ["y"]);
  // y = x₀ + x₀x₁ + x₀x₁x₂ at (2, 0, 5).
  expect(slopeOf([node], tensor([3], [2, 0, 5]), { arrays: { axis } })).toEqual([1, 12, 0]);
});
