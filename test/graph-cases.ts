// Small graphs that hold every source operator, and how far two arrays are from each other.
import { gradient } from "../src/autodiff/gradient.ts";
import * as g from "../src/graph/expressions.ts";
import type { Value } from "../src/graph/value.ts";
import { uniform } from "../src/math/distributions.ts";
import { keyOf } from "../src/math/random.ts";
import { type NdArray, type Shape, type Tensor, tensor } from "../src/math/tensor.ts";

/** Numbers in [−1, 1). */
export const random = (shape: Shape, seed: number): Tensor =>
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

/** Graphs with the shapes of their inputs `x0`, `x1`…; together they hold every source operator. */
export const named = graphs.map(([name, f, ...shapes]) => ({ name, f, shapes }));

/** The largest difference, relative to the largest value. */
export function difference(a: NdArray, b: NdArray): number {
  if (a.shape.join() !== b.shape.join()) return Number.POSITIVE_INFINITY;
  let [worst, scale] = [0, 1e-6];
  for (let i = 0; i < a.data.length; i++) {
    worst = Math.max(worst, Math.abs(Number(a.data[i]) - Number(b.data[i])));
    scale = Math.max(scale, Math.abs(Number(b.data[i])));
  }
  return worst / scale;
}
