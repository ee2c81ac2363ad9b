import { describe, expect, it } from "vitest";
import { normal, uniform } from "../../math/distributions.ts";
import { fold, keyOf } from "../../math/random.ts";
import { elementCount, type NdArray, type Shape } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { interpret } from "../graph/interpret.ts";
import { type Op, topological, type Value } from "../graph/value.ts";
import type { Interval } from "./interval.ts";
import { intervalRules } from "./interval-rules.ts";
import { propagate } from "./propagate.ts";

interface Case {
  readonly name: string;
  readonly f: (...inputs: Value[]) => Value;
  readonly shapes: readonly Shape[];
  /** Added to the centre of every box, so that it lies where the function is defined. */
  readonly shift: number;
}

const at = (name: string, f: Case["f"], ...shapes: Shape[]): Case => ({
  name,
  f,
  shapes,
  shift: 0,
});
const positive = (name: string, f: Case["f"], ...shapes: Shape[]): Case => ({
  name,
  f,
  shapes,
  shift: 1e4,
});
const window = { kernel: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1], dilations: [1, 2] };
const odd = { strides: [2, 1], pads: [0, 1, 2, 1], dilations: [1, 2], groups: 2 };
const whole = (shape: Shape, values: readonly number[]): Value =>
  g.constant({ dtype: "int64", shape, data: BigInt64Array.from(values.map(BigInt)) });
const constant = (x: Value, value: number) => g.scalarLike(x, value);

const cases: Case[] = [
  at(
    "add, sub, neg",
    (a, b) => g.sub(g.neg(g.add(a, b)), g.mul(a, constant(a, 0.3))),
    [2, 1],
    [1, 3],
  ),
  at("mul of two", g.mul, [2, 3], [3]),
  at("square", (x) => g.mul(x, x), [4]),
  positive("div", g.div, [2, 3], [2, 1]),
  at("exp", (x) => g.exp(g.mul(x, constant(x, 1e-2))), [3]),
  positive("log, sqrt", (x) => g.add(g.log(x), g.sqrt(x)), [3]),
  at("tanh, sigmoid, erf", (x) => g.add(g.tanh(x), g.add(g.sigmoid(x), g.erf(x))), [5]),
  at("atan, sin, cos", (x) => g.add(g.atan(x), g.add(g.sin(x), g.cos(x))), [5]),
  at("relu, abs, clip", (x) => g.sub(g.relu(x), g.add(g.abs(x), g.clip(x, -0.4, 0.3))), [8]),
  at("steps", (x) => g.add(g.add(g.sign(x), g.floor(x)), g.add(g.ceil(x), g.round(x))), [8]),
  at("pow", (x) => g.add(g.pow(x, constant(x, 3)), g.pow(x, constant(x, 2))), [4]),
  positive("pow of a positive number", (x) => g.pow(x, constant(x, 1.7)), [4]),
  at("max, min", (a, b) => g.sub(g.maximum(a, b), g.minimum(a, b)), [2, 3], [3]),
  at(
    "logic",
    (x) => {
      const high = g.greater(x, constant(x, 0.4));
      const low = g.not(g.and(g.greater(constant(x, 0.1), x), g.not(high)));
      return g.where(g.or(g.and(high, low), g.equal(x, constant(x, 0))), g.mul(x, x), x);
    },
    [9],
  ),
  at("cast", (x) => g.cast(g.cast(x, "int64"), "float64"), [4]),
  at("stopGradient, straightThrough", (x) => g.straightThrough(g.stopGradient(x), x), [2]),
  at("matmul of two", g.matmul, [2, 2, 3], [3, 4]),
  at("softmax", (x) => g.softmax(x), [2, 5]),
  at("logSoftmax, inner axis", (x) => g.logSoftmax(x, 1), [2, 3, 2]),
  at("sum, max over axes", (x) => g.add(g.sum(x, [1]), g.max(x, [1])), [2, 3, 2]),
  at("reshape, transpose", (x) => g.transpose(g.reshape(x, [3, 2]), [1, 0]), [2, 3]),
  at(
    "expand, slice, pad",
    (x) => g.pad(g.flip(g.expand(x, [4, 2, 3]), 0), [0, 1, 0], [1, 0, 2]),
    [2, 1],
  ),
  at("concat", (a, b) => g.concat([a, b, a], 1), [2, 1], [2, 3]),
  at("gather", (x) => g.gather(x, whole([2, 2], [2, 0, 1, 1]), 1), [2, 3, 2]),
  at("gatherElements", (x) => g.gatherElements(x, whole([1, 3], [2, 0, 1]), 1), [1, 4]),
  at(
    "maxPool, averagePool",
    (x) => g.add(g.maxPool(x, window), g.averagePool(x, window)),
    [1, 2, 5, 6],
  ),
  at("conv of two", (x, w) => g.conv(x, w, odd), [1, 4, 5, 7], [2, 2, 2, 3]),
];

const array = (shape: Shape, data: Float64Array): NdArray => ({ dtype: "float64", shape, data });

/** A box of about `width` around a random centre; every third side is a point, and every fifth begins at 0. */
function box(shape: Shape, seed: number, width: number, shift: number): Interval {
  const size = elementCount(shape);
  const key = keyOf(seed);
  const centre = normal([fold(key, 1)], [1, size]).data;
  const part = uniform([fold(key, 2)], [1, size]).data;
  const lower = new Float64Array(size);
  const upper = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    lower[i] = shift + (i % 5 === 0 ? 0 : centre[i]);
    upper[i] = lower[i] + (i % 3 === 0 ? 0 : width * part[i]);
  }
  return { shape, lower, upper };
}

/** Point number `draw` of a box: both corners first, then random points. */
function pointOf({ shape, lower, upper }: Interval, seed: number, draw: number): NdArray {
  if (draw < 2) return array(shape, draw === 0 ? lower : upper);
  const part = uniform([fold(keyOf(seed), draw)], [1, lower.length]).data;
  return array(
    shape,
    lower.map((low, i) => {
      if (part[i] < 0.1) return low;
      if (part[i] > 0.9) return upper[i];
      return Math.min(low + part[i] * (upper[i] - low), upper[i]);
    }),
  );
}

describe("interval bounds contain the function", () => {
  const slow = process.env.SLOW !== undefined;
  it.each(cases)("$name", ({ f, shapes, shift }) => {
    const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape, "float64"));
    const y = f(...inputs);
    for (const [seed, width] of [1e-7, 1e-3, 0.3, 1, 30, 1e3].entries()) {
      const boxes = shapes.map((shape, i) => box(shape, 10 * seed + i, width, shift));
      const intervals = propagate([y], new Map(inputs.map((x, i) => [x, boxes[i]])));
      const { lower, upper } = intervals.get(y) as Interval;
      for (let draw = 0; draw < (slow ? 2000 : 20); draw++) {
        const points = boxes.map((one, i) => [`x${i}`, pointOf(one, seed, 10 * draw + i)] as const);
        const [{ data }] = interpret([y], Object.fromEntries(points));
        for (let j = 0; j < data.length; j++) {
          // The interpreter itself rounds, by far less than this.
          const slack = 1e-13 * (1 + Math.abs(Number(data[j])));
          expect(Number(data[j])).toBeGreaterThanOrEqual(lower[j] - slack);
          expect(Number(data[j])).toBeLessThanOrEqual(upper[j] + slack);
        }
      }
    }
  });

  it("for every operator but those that refuse", () => {
    const covered = new Set<Op>();
    for (const { f, shapes } of cases)
      for (const { op } of topological<Value>([
        f(...shapes.map((shape, i) => g.input(`x${i}`, shape, "float64"))),
      ]))
        covered.add(op);
    expect(Object.keys(intervalRules).filter((op) => !covered.has(op as Op))).toEqual([
      "ScatterAdd",
      "ArgMax",
      "TopKIndices",
      "MaxPoolIndices",
      "ConvInputGradient",
      "ConvWeightGradient",
    ]);
  });
});

describe("interval bounds", () => {
  const single = (x: Value, y: Value, low: number, high: number): readonly number[] => {
    const interval: Interval = {
      shape: x.shape,
      lower: Float64Array.of(low),
      upper: Float64Array.of(high),
    };
    const { lower, upper } = propagate([y], new Map([[x, interval]])).get(y) as Interval;
    return [lower[0], upper[0]];
  };

  it("contain the real number that a float32 constant was rounded from", () => {
    const x = g.input("x", []);
    const [low, high] = single(x, g.mul(x, g.scalar(1 / 49)), 49, 49);
    expect(low).toBeLessThanOrEqual(1);
    expect(high).toBeGreaterThanOrEqual(1);
    expect(high - low).toBeLessThan(1e-14);
  });

  it("take a constant of a file as it is", () => {
    const x = g.input("x", []);
    const stored = g.constant({ dtype: "float32", shape: [], data: Float32Array.of(0.1) });
    const [low, high] = single(x, g.mul(x, stored), 1, 1);
    expect([low, high]).toEqual([Math.fround(0.1), Math.fround(0.1)]);
  });

  it("are never NaN where doubles overflow", () => {
    const x = g.input("x", [], "float64");
    const big = g.scalarLike(x, 1e200);
    const y = g.sub(g.mul(g.mul(x, big), big), g.mul(g.mul(x, big), big));
    expect(single(x, y, 1, 2)).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });

  it("name the operator and its shape where nothing is known", () => {
    const x = g.input("x", [2, 3], "float64");
    const interval: Interval = {
      shape: [2, 3],
      lower: new Float64Array(6),
      upper: new Float64Array(6).fill(1),
    };
    expect(() => propagate([g.argMax(x, 1)], new Map([[x, interval]]))).toThrow(
      "operator ArgMax of shape [2, 1] depends on the image",
    );
  });
});
