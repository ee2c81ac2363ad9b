// The constants of an imported file in proofs: bounds at a point contain what the file computes there in real arithmetic.

import type { NodeProto } from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import { type NodeAttributes, nodeOf } from "../../test/fixtures/model-fixture.ts";
import { imported, type RunOptions } from "../../test/fixtures/run-fixture.ts";
import { Crown, type SparseRow } from "../engine/bounds/crown.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { elementCount, type NdArray, tensor } from "../math/tensor.ts";
import { evaluationOf } from "./evaluation.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const f32 = Math.fround;

/** Bounds [lower, upper] of every output y of nodes at the point x, and what the runtime computes there. */
async function boundsAt(nodes: NodeProto[], x: NdArray, options: RunOptions, evaluated = false) {
  const { compile, target } = await runtime;
  const { inputs, outputs } = imported(nodes, { x }, options);
  const crown = new Crown(compile, inputs.x, outputs.y);
  opened.push(crown);
  const point = Float64Array.from(x.data, Number);
  const evaluation = evaluated ? evaluationOf(target) : undefined;
  const state = await crown.analyse({ lower: point, upper: point }, { evaluation });
  const count = elementCount(crown.plan.output.shape);
  const rows = Array.from({ length: count }, (_, i) => [[[i, 1]], [[i, -1]]] as SparseRow[]);
  const bounds = await crown.lowerBounds(state, crown.plan.output, rows.flat());
  const program = await compile(outputs);
  const { y } = await program.run({ x });
  await program.release();
  return Array.from(y.data, (value, i) => ({
    value: Number(value),
    low: bounds[2 * i],
    high: -bounds[2 * i + 1],
  }));
}

interface FileCase {
  readonly name: string;
  readonly nodes: NodeProto[];
  readonly x: NdArray;
  /** The exact outputs, to the precision of doubles. */
  readonly y: readonly number[];
  readonly options?: RunOptions;
}

const one = tensor([1, 1], [1]);
const minusOne = tensor([1, 1], [-1]);
const unary = (
  op: string,
  x: NdArray,
  y: number,
  attributes: NodeAttributes = {},
  domain?: string,
): FileCase => ({
  name: `${op} at ${x.data[0]}`,
  nodes: [nodeOf(op, ["x"], ["y"], attributes, domain === undefined ? {} : { domain })],
  x,
  y: [y],
});

const alpha = f32(1.6732632423543772);
const gamma = f32(1.0507009873554805);
const vector = (...values: number[]) => tensor([values.length], values);

const defaults: readonly FileCase[] = [
  unary("Selu", one, gamma),
  unary("Selu", minusOne, gamma * alpha * (Math.exp(-1) - 1)),
  unary("LeakyRelu", minusOne, -f32(0.01)),
  unary("HardSigmoid", one, 0.5 + f32(0.2)),
  unary("QuickGelu", one, 1 / (1 + Math.exp(-f32(1.702))), {}, "com.microsoft"),
  {
    name: "BatchNormalization at 1",
    nodes: [nodeOf("BatchNormalization", ["x", "one", "zero", "zero", "zero"], ["y"])],
    x: one,
    y: [1 / Math.sqrt(f32(1e-5))],
    options: { arrays: { one: vector(1), zero: vector(0) } },
  },
  {
    name: "FusedGemm with LeakyRelu at −1",
    nodes: [
      nodeOf(
        "FusedGemm",
        ["x", "w"],
        ["y"],
        { activation: { string: "LeakyRelu" } },
        { domain: "com.microsoft" },
      ),
    ],
    x: minusOne,
    y: [-f32(0.01)],
    options: { arrays: { w: tensor([1, 1], [1]) } },
  },
];

describe("an attribute that a file leaves out is the float32 number of the standard:", () => {
  it.each(defaults)("$name", async ({ nodes, x, y, options = {} }) => {
    const found = await boundsAt(nodes, x, options);
    for (const [i, { low, high, value }] of found.entries()) {
      expect(low).toBeLessThanOrEqual(y[i] + Math.abs(y[i]) * 1e-13);
      expect(high).toBeGreaterThanOrEqual(y[i] - Math.abs(y[i]) * 1e-13);
      expect(high - low).toBeLessThan(Math.max(1, Math.abs(y[i])) * 4e-9);
      expect(Math.abs(value - y[i])).toBeLessThan(Math.abs(y[i]) * 1e-6);
    }
  });
});
