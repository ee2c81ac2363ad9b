// The constants of an imported file in proofs: bounds at a point contain what the file computes there in real arithmetic.

import type { NodeProto } from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import { type NodeAttributes, nodeOf } from "../../test/fixtures/model-fixture.ts";
import { imported, type RunOptions } from "../../test/fixtures/run-fixture.ts";
import { Crown, type SparseRow } from "../engine/bounds/crown.ts";
import * as g from "../engine/graph/expressions.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { elementCount, type NdArray, type Tensor, tensor } from "../math/tensor.ts";
import { evaluationOf } from "./evaluation.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const f32 = Math.fround;

/** Bounds [lower, upper] of every output y of nodes at the point x, and what the runtime computes there. */
async function boundsAt(nodes: NodeProto[], x: Tensor, options: RunOptions, evaluated = false) {
  const { compile, target } = await runtime;
  const { inputs, outputs } = imported(nodes, { x }, options);
  const crown = new Crown(compile, inputs.x, outputs.y);
  opened.push(crown);
  const point = Float64Array.from(x.data);
  const evaluation = evaluated ? evaluationOf(target) : undefined;
  const state = await crown.analyse({ lower: point, upper: point }, { evaluation });
  const count = elementCount(crown.plan.output.shape);
  const rows = Array.from({ length: count }, (_, i) => [[[i, 1]], [[i, -1]]] as SparseRow[]);
  const bounds = await crown.lowerBounds(state, crown.plan.output, rows.flat());
  const program = await compile(outputs);
  const { y } = await program.run({ x });
  await program.release();
  return Array.from(y.data as Float32Array, (value, i) => ({
    value,
    low: bounds[2 * i],
    high: -bounds[2 * i + 1],
  }));
}

interface FileCase {
  readonly name: string;
  readonly nodes: NodeProto[];
  readonly x: Tensor;
  /** The exact outputs, to the precision of doubles. */
  readonly y: readonly number[];
  readonly options?: RunOptions;
}

const one = tensor([1, 1], [1]);
const minusOne = tensor([1, 1], [-1]);
const unary = (
  op: string,
  x: Tensor,
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

const bytes = (shape: readonly number[], values: readonly number[]): NdArray => ({
  dtype: "uint8",
  shape,
  data: Uint8Array.from(values),
});
const whole = (...values: number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
const ones = (...shape: number[]) => tensor(shape, new Float32Array(elementCount(shape)).fill(1));
const scale = 1 + 3 * 2 ** -23;
const nBits = (zeros: NdArray, y: number): FileCase => ({
  name: `weights of MatMulNBits with zero points of ${zeros.dtype}`,
  nodes: [
    nodeOf(
      "MatMulNBits",
      ["x", "w", "scales", "zeros"],
      ["y"],
      { N: { int: 1 }, K: { int: 1 }, bits: { int: 8 }, block_size: { int: 1 } },
      { domain: "com.microsoft" },
    ),
  ],
  x: one,
  y: [y],
  options: { arrays: { w: bytes([1, 1, 1], [9]), scales: vector(scale), zeros } },
});
const thirds = [1, 2 / 3, 1 / 3, 0, 0, 0];
const resize = (attributes: NodeAttributes, x: Tensor, to: number, y: number[]): FileCase => ({
  name: `weights of Resize (${JSON.stringify(attributes)})`,
  nodes: [nodeOf("Resize", ["x", "", "", "sizes"], ["y"], attributes)],
  x,
  y,
  options: { arrays: { sizes: whole(1, to) } },
});
/** Keys' kernel at distances of 1/3, for a pixel between two. */
const keys = (t: number, a = -0.75): number =>
  t <= 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;

const derived: readonly FileCase[] = [
  nBits(bytes([1], [2]), 7 * scale),
  nBits(vector(1.7), (9 - f32(1.7)) * scale),
  {
    name: "factors of AveragePool that leave out the padding",
    nodes: [
      nodeOf("AveragePool", ["x"], ["y"], {
        kernel_shape: { ints: [5, 5] },
        pads: { ints: [2, 2, 2, 2] },
      }),
    ],
    x: ones(1, 1, 3, 3),
    y: new Array<number>(9).fill(1),
  },
  resize({ mode: { string: "linear" } }, tensor([1, 2], [1, 0]), 6, [1, 1, 2 / 3, 1 / 3, 0, 0]),
  resize(
    { mode: { string: "linear" }, coordinate_transformation_mode: { string: "align_corners" } },
    tensor([1, 3], [1, 0, 0]),
    7,
    [...thirds, 0].slice(0, 7),
  ),
  resize(
    { mode: { string: "cubic" }, coordinate_transformation_mode: { string: "align_corners" } },
    tensor([1, 4], [0, 1, 0, 0]),
    10,
    Array.from({ length: 10 }, (_, i) => keysAt(i / 3)),
  ),
  {
    name: "coordinates of AffineGrid",
    nodes: [nodeOf("AffineGrid", ["x", "size"], ["y"])],
    x: tensor([1, 2, 3], [1, 0, 0, 0, 1, 0]),
    y: [-1, 0, 1].flatMap((row) =>
      [-1, 0, 1].flatMap((column) => [(2 * column) / 3, (2 * row) / 3]),
    ),
    options: { arrays: { size: whole(1, 1, 3, 3) }, opset: 20 },
  },
  {
    name: "numbers of Range",
    nodes: [nodeOf("Range", ["zero", "limit", "step"], ["r"]), nodeOf("Mul", ["x", "r"], ["y"])],
    x: one,
    y: Array.from({ length: 4 }, (_, i) => i * f32(0.1)),
    options: {
      arrays: { zero: tensor([], [0]), limit: tensor([], [0.35]), step: tensor([], [0.1]) },
    },
  },
  {
    name: "the mean of three",
    nodes: [nodeOf("Mean", ["x", "x", "x"], ["y"])],
    x: tensor([1, 1], [f32(0.7)]),
    y: [f32(0.7)],
  },
  unary("Celu", minusOne, f32(0.7) * (Math.exp(-1 / f32(0.7)) - 1), { alpha: { float: 0.7 } }),
];

function keysAt(position: number): number {
  // The pixel at 1, and its copies beyond the border: none, since pixels 0 and 3 are 0.
  const t = Math.abs(position - 1);
  return t < 2 ? keys(t) : 0;
}

describe("proofs are about constants before they are rounded to float32:", () => {
  it.each(derived)("$name", async ({ nodes, x, y, options = {} }) => {
    const found = await boundsAt(nodes, x, options);
    expect(found).toHaveLength(y.length);
    for (const [i, { low, high, value }] of found.entries()) {
      expect(low).toBeLessThanOrEqual(y[i] + 1e-13);
      expect(high).toBeGreaterThanOrEqual(y[i] - 1e-13);
      expect(Math.abs(value - y[i])).toBeLessThan(1e-6);
    }
    for (const [i, { low, high, value }] of (await boundsAt(nodes, x, options, true)).entries()) {
      expect(low).toBeLessThanOrEqual(Math.min(value, y[i] + 1e-13));
      expect(high).toBeGreaterThanOrEqual(Math.max(value, y[i] - 1e-13));
    }
  });
});

describe("an exponent", () => {
  it("that only float32 rounds to ½ is not that of a square root", async () => {
    const x = g.input("x", [1]);
    const { compile } = await runtime;
    const power = (exponent: number) => new Crown(compile, x, g.pow(x, g.scalar(exponent)));
    opened.push(power(0.5));
    expect(() => power(0.5 + 2 ** -26)).toThrow("operator Pow");
  });
});

describe("a mean that leaves out the padding", () => {
  it("does not switch off a ReLU that its rounding would switch off", async () => {
    const nodes = [
      nodeOf("AveragePool", ["x"], ["mean"], {
        kernel_shape: { ints: [5, 5] },
        pads: { ints: [2, 2, 2, 2] },
      }),
      nodeOf("Sub", ["mean", "one"], ["rest"]),
      nodeOf("Add", ["rest", "tiny"], ["above"]),
      nodeOf("Relu", ["above"], ["on"]),
      nodeOf("Mul", ["on", "large"], ["y"]),
    ];
    const arrays = { one: vector(1), tiny: vector(1e-8), large: vector(1e9) };
    for (const { low, high } of await boundsAt(nodes, ones(1, 1, 5, 5), { arrays })) {
      expect(low).toBeLessThanOrEqual(f32(1e-8) * 1e9);
      expect(high).toBeGreaterThanOrEqual(f32(1e-8) * 1e9);
    }
  });
});

describe("a constant that the file computes in float32, where only a number can stand:", () => {
  const arrays = { a: vector(0.1), b: vector(0.3) };
  const clip = nodeOf("Clip", ["x", "", "top"], ["y"]);

  it("refused, with the node and the input", async () => {
    const nodes = [nodeOf("Mul", ["a", "b"], ["row"]), nodeOf("Squeeze", ["row"], ["top"]), clip];
    await expect(boundsAt(nodes, one, { arrays })).rejects.toMatchObject({
      code: "misfit",
      message: expect.stringMatching(/nothing can be proven .*"Clip of y" \(Clip.*its input top/),
    });
  });

  it.each([
    ["a stored number", [nodeOf("Squeeze", ["a"], ["top"])], f32(0.1)],
    ["a sum of whole numbers", [nodeOf("Add", ["two", "two"], ["top"])], 1],
    ["a double that float32 holds", [nodeOf("Cast", ["half"], ["top"], { to: { int: 1 } })], 0.5],
  ])("%s is exact", async (_, nodes, top) => {
    const half: NdArray = { dtype: "float64", shape: [], data: Float64Array.of(0.5) };
    const stored = { ...arrays, half, two: tensor([], [2]) };
    const [{ low, high }] = await boundsAt([...nodes, clip], one, { arrays: stored });
    expect(low).toBeLessThanOrEqual(top);
    expect(high).toBeGreaterThanOrEqual(top);
  });
});
