// The reference interpreter, onnxruntime-node and onnxruntime-web give the same numbers for every operator,
// through the plain lowering, and for networks with their gradients.
import { beforeAll, describe, expect, it } from "vitest";
import { gradient } from "../src/autodiff/gradient.ts";
import { rules } from "../src/autodiff/rules.ts";
import * as g from "../src/graph/expressions.ts";
import { interpret } from "../src/graph/interpret.ts";
import { type Op, topological, type Value } from "../src/graph/value.ts";
import { uniform } from "../src/math/distributions.ts";
import { keyOf } from "../src/math/random.ts";
import { type NdArray, type Shape, type Tensor, tensor } from "../src/math/tensor.ts";
import { architecture } from "../src/models/index.ts";
import { initialParameters } from "../src/models/initial.ts";
import { crossEntropy } from "../src/models/losses.ts";
import { nodeRuntime } from "../src/runtime/node.ts";
import type { Runtime } from "../src/runtime/runtime.ts";
import { webRuntime } from "../src/runtime/web.ts";

const runtimes: Record<string, Runtime> = {};
beforeAll(async () => {
  runtimes.node = await nodeRuntime();
  runtimes.web = await webRuntime();
});

const random = (shape: Shape, seed: number): Tensor =>
  tensor(shape, uniform([keyOf(seed)], [1, ...shape], -1, 1).data);

type Graph = readonly [name: string, f: (...x: Value[]) => Value, ...shapes: Shape[]];
const geometry = (s: number[], p: number[], d = [1, 1], groups = 1) => ({
  strides: s,
  pads: p,
  dilations: d,
  groups,
});
const squared = (x: Value) => g.add(g.mul(x, x), g.scalar(0.1));
const cubes = (y: Value) => g.sum(g.mul(y, g.mul(y, y)));
const logic = (a: Value, b: Value) =>
  g.not(g.or(g.and(g.greater(a, b), g.greater(g.scalar(0.5), a)), g.equal(a, b)));
const places = g.constant({
  dtype: "int64",
  shape: [2, 2],
  data: BigInt64Array.of(2n, 0n, 2n, 1n),
});
const odd = { kernel: [3, 3], strides: [2, 1], pads: [1, 0, 1, 2], dilations: [1, 2] };
const even = { kernel: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] };
const graphs: Graph[] = [
  ["add", g.add, [2, 1], [1, 3]],
  ["sub", g.sub, [2, 3], [3]],
  ["mul", g.mul, [2, 3], []],
  ["div", (a, b) => g.div(a, squared(b)), [2, 3], [2, 3]],
  ["neg exp tanh sigmoid", (x) => g.neg(g.exp(g.tanh(g.sigmoid(x)))), [5]],
  ["log sqrt", (x) => g.log(g.sqrt(squared(x))), [5]],
  ["relu", g.relu, [7]],
  ["greater where", (a, b) => g.where(g.greater(a, b), a, g.scalar(0)), [2, 3], [3]],
  ["cast", (x) => g.cast(g.greater(x, g.scalar(0)), "float32"), [6]],
  ["relu mask", (x) => gradient(g.sum(g.mul(g.relu(x), x)), [x])[0], [2, 8]],
  ["stopGradient", (x) => g.mul(g.stopGradient(x), x), [3]],
  ["abs sign", (x) => g.mul(g.abs(x), g.sign(x)), [5]],
  ["steps", (x) => g.add(g.floor(x), g.mul(g.ceil(x), g.round(g.mul(x, g.scalar(3))))), [6]],
  ["erf sin cos atan", (x) => g.erf(g.sin(g.cos(g.atan(x)))), [5]],
  ["pow", (a, b) => g.pow(squared(a), b), [2, 3], [3]],
  ["max min clip", (a, b) => g.clip(g.maximum(a, g.minimum(b, a)), -0.5, 0.5), [2, 3], [3]],
  ["logic", (a, b) => g.where(logic(a, b), a, b), [6], [6]],
  ["straightThrough", (x) => g.straightThrough(g.round(x), x), [3]],
  ["gather, and its gradient", (x) => gradient(cubes(g.gather(x, places, 1)), [x])[0], [2, 3, 2]],
  ["topK, and its gradient", (x) => gradient(cubes(g.topK(x, 2, 1)), [x])[0], [3, 5]],
  ["argMax", (x) => g.gatherElements(x, g.argMax(x, 1), 1), [3, 4]],
  ["maxPool", (x) => g.maxPool(x, odd), [2, 3, 6, 7]],
  ["maxPool, and its gradient", (x) => gradient(cubes(g.maxPool(x, odd)), [x])[0], [2, 3, 6, 7]],
  ["averagePool", (x) => g.averagePool(x, even), [2, 3, 6, 7]],
  ["averagePool, dilated", (x) => g.averagePool(x, odd), [2, 3, 6, 7]],
  ["gradient of averagePool", (x) => gradient(cubes(g.averagePool(x, even)), [x])[0], [2, 3, 6, 7]],
  ["matmul", g.matmul, [2, 3, 4], [4, 2]],
  ["softmax", (x) => g.softmax(x), [3, 4]],
  ["softmax, inner axis", (x) => g.softmax(x, 1), [2, 3, 4]],
  ["logSoftmax", (x) => g.logSoftmax(x), [3, 4]],
  ["sum of pictures per channel", (x) => g.sum(x, [0, 2, 3]), [2, 3, 4, 5]],
  ["sum of pictures, kept", (x) => g.sum(x, [0, 2, 3], true), [2, 3, 4, 5]],
  ["sum, max", (x) => g.add(g.sum(x, [1]), g.max(x, [1])), [3, 4]],
  ["reshape transpose", (x) => g.transpose(g.reshape(x, [3, 2, 2]), [2, 0, 1]), [4, 3]],
  ["expand", (x) => g.expand(x, [2, 3]), [3]],
  ["expand into a product", (x, y) => g.mul(g.expand(x, [2, 3]), y), [2, 1], [2, 3]],
  ["slices", (x) => g.concat([g.flip(x, 1), g.sliceAxis(x, 1, 1, 6, 2)], 1), [2, 7]],
  ["pad", (x) => g.pad(x, [1, 0], [0, 2]), [2, 2]],
  ["conv", (x, w) => g.conv(x, w, geometry([1, 1], [1, 1, 1, 1])), [2, 3, 6, 6], [4, 3, 3, 3]],
  [
    "conv, groups",
    (x, w) => g.conv(x, w, geometry([2, 1], [0, 1, 1, 0], [1, 2], 2)),
    [2, 4, 6, 7],
    [6, 2, 3, 3],
  ],
  [
    "conv gradient by x, stride 1",
    (dy, w) => g.convInputGradient(dy, w, [2, 3, 6, 6], geometry([1, 1], [1, 1, 1, 1])),
    [2, 4, 6, 6],
    [4, 3, 3, 3],
  ],
  [
    "conv gradient by x, stride 2",
    (dy, w) => g.convInputGradient(dy, w, [2, 3, 6, 7], geometry([2, 2], [1, 1, 1, 1])),
    [2, 4, 3, 4],
    [4, 3, 3, 3],
  ],
  [
    "conv gradient by x, wide padding",
    (dy, w) => g.convInputGradient(dy, w, [1, 2, 4, 4], geometry([1, 1], [3, 3, 3, 3])),
    [1, 2, 8, 8],
    [2, 2, 3, 3],
  ],
  [
    "conv gradient by w, stride 2",
    (x, dy) => g.convWeightGradient(x, dy, [3, 3], geometry([2, 2], [1, 1, 1, 1])),
    [2, 3, 6, 6],
    [2, 4, 3, 3],
  ],
  [
    "conv gradient by w, stride 1",
    (x, dy) => g.convWeightGradient(x, dy, [3, 3], geometry([1, 1], [1, 1, 1, 1])),
    [2, 4, 5, 6],
    [2, 3, 5, 6],
  ],
  [
    "conv gradient by w, uneven",
    (x, dy) => g.convWeightGradient(x, dy, [2, 3], geometry([2, 1], [0, 2, 1, 0], [2, 1])),
    [2, 9, 6, 5],
    [2, 2, 3, 5],
  ],
  [
    "conv gradient by w, groups",
    (x, dy) => g.convWeightGradient(x, dy, [3, 2], geometry([1, 1], [1, 0, 1, 1], [1, 1], 2)),
    [2, 4, 5, 5],
    [2, 6, 5, 5],
  ],
];

const named = graphs.map(([name, f, ...shapes]) => ({ name, f, shapes }));

/** The largest difference, relative to the largest value. */
function difference(a: NdArray, b: NdArray): number {
  expect(a.shape).toEqual(b.shape);
  let [worst, scale] = [0, 1e-6];
  for (let i = 0; i < a.data.length; i++) {
    worst = Math.max(worst, Math.abs(Number(a.data[i]) - Number(b.data[i])));
    scale = Math.max(scale, Math.abs(Number(b.data[i])));
  }
  return worst / scale;
}

describe.each(["node", "web"])("onnxruntime-%s agrees with the interpreter:", (engine) => {
  it.each(named)("$name", async ({ f, shapes }) => {
    const y = f(...shapes.map((shape, i) => g.input(`x${i}`, shape)));
    const feeds = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, random(shape, i)]));
    const program = await runtimes[engine].compile({ y });
    const result = await program.run(feeds);
    await program.release();
    expect(difference(result.y, interpret([y], feeds)[0])).toBeLessThan(2e-6);
  });

  it.each(["cnn-small", "wrn-10-1"])(
    "%s with the gradients of its loss, in both modes",
    async (name) => {
      const size = { shape: [3, 8, 8], classes: 4, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
      const model = architecture(name, size);
      const parameters = initialParameters(model);
      const feeds = { x: random([3, 3, 8, 8], 1), y: random([3, 4], 2), ...parameters };
      for (const mode of ["frozen", "batch"] as const) {
        const inputs = Object.fromEntries(
          Object.entries(feeds).map(([key, { shape }]) => [key, g.input(key, shape)]),
        );
        const forward = model.forward(inputs.x, (key) => inputs[key], mode);
        const trained = model.parameters.filter(({ trainable }) => trainable);
        const wrt = ["x", ...trained.map((spec) => spec.name)];
        const loss = g.sum(crossEntropy(forward.logits, inputs.y));
        const gradients = gradient(
          loss,
          wrt.map((key) => inputs[key]),
        );
        const outputs: Record<string, Value> = {
          loss,
          logits: forward.logits,
          ...forward.statistics,
        };
        for (const [i, key] of wrt.entries()) outputs[`d ${key}`] = gradients[i];
        const program = await runtimes[engine].compile(outputs);
        const results = await program.run(feeds);
        await program.release();
        const expected = interpret(Object.values(outputs), feeds);
        for (const [i, key] of Object.keys(outputs).entries())
          expect(difference(results[key], expected[i]), `${mode} ${key}`).toBeLessThan(2e-4);
      }
    },
  );
});

it("covers every source operator", () => {
  const covered = new Set<Op>(["Constant"]);
  for (const { f, shapes } of named)
    for (const { op } of topological<Value>([f(...shapes.map((s, i) => g.input(`x${i}`, s)))]))
      covered.add(op);
  const all = Object.keys(rules) as Op[];
  expect(all.filter((op) => !covered.has(op))).toEqual([]);
});
