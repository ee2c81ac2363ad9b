import { describe, expect, it } from "vitest";
import { threefry } from "../../math/random.ts";
import { elementCount, type NdArray, type Shape } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { interpret } from "../graph/interpret.ts";
import { type Op, topological, type Value } from "../graph/value.ts";
import { gradient } from "./gradient.ts";
import { rules } from "./rules.ts";

interface Case {
  readonly name: string;
  readonly f: (...inputs: Value[]) => Value;
  readonly shapes: readonly Shape[];
  /** Interval that the inputs are drawn from, away from kinks and singularities. */
  readonly domain: readonly [number, number];
}

const at = (name: string, f: Case["f"], ...shapes: Shape[]): Case => ({
  name,
  f,
  shapes,
  domain: [-1, 1],
});
const positive = (name: string, f: Case["f"], ...shapes: Shape[]): Case => ({
  ...at(name, f, ...shapes),
  domain: [0.5, 2],
});

const half = { strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 };
const odd = { strides: [2, 1], pads: [0, 1, 2, 1], dilations: [1, 2], groups: 1 };
const grouped = { strides: [1, 2], pads: [1, 0, 1, 0], dilations: [1, 1], groups: 2 };

const odd33 = { kernel: [3, 3], strides: [2, 1], pads: [1, 0, 1, 2], dilations: [1, 2] };
const tiles = { kernel: [2, 3], strides: [2, 3] };
const numbers = (values: readonly number[]): NdArray => ({
  dtype: "float64",
  shape: [values.length],
  data: Float64Array.from(values),
});
const whole = (shape: Shape, values: readonly number[]): NdArray => ({
  dtype: "int64",
  shape,
  data: BigInt64Array.from(values.map(BigInt)),
});
const indices = (table: readonly (readonly number[])[]) =>
  g.constant(whole([table.length, table[0].length], table.flat()));
const steps = (x: Value) =>
  g.add(g.add(g.sign(x), g.floor(x)), g.add(g.ceil(x), g.round(g.add(x, g.scalarLike(x, 0.3)))));
const logic = (x: Value) => {
  const [high, low] = [g.greater(x, g.scalarLike(x, 0.4)), g.greater(g.scalarLike(x, -0.4), x)];
  return g.not(g.or(g.and(high, g.not(low)), g.equal(x, g.scalarLike(x, 0))));
};

const cases: Case[] = [
  at("add, broadcast both ways", g.add, [2, 1], [1, 3]),
  at("add of a scalar", g.add, [2, 3], []),
  at("sub, broadcast both ways", g.sub, [2, 1], [1, 3]),
  at("mul by itself", (x) => g.mul(x, x), [4]),
  at("mul, broadcast", g.mul, [2, 3], [3]),
  positive("div", g.div, [2, 3], [2, 1]),
  at("neg", g.neg, [3]),
  at("exp", g.exp, [3]),
  positive("log", g.log, [3]),
  positive("sqrt", g.sqrt, [3]),
  at("tanh", g.tanh, [3]),
  at("sigmoid", g.sigmoid, [3]),
  at("relu", g.relu, [8]),
  at("abs", g.abs, [8]),
  at("erf", g.erf, [4]),
  at("sin, cos", (x) => g.mul(g.sin(x), g.cos(x)), [4]),
  at("atan", g.atan, [4]),
  positive("pow", g.pow, [2, 3], [3]),
  at("pow of a negative number", (x) => g.pow(x, g.constant(numbers([2, 3, 0]))), [3]),
  at("max, broadcast", g.maximum, [2, 3], [3]),
  at("min", g.minimum, [2, 3], [2, 1]),
  at("clip", (x) => g.clip(x, -0.4, 0.3), [12]),
  at("steps, as constants", (x) => g.mul(steps(g.mul(x, g.scalarLike(x, 3))), x), [9]),
  at("logic", (x) => g.where(logic(x), g.mul(x, x), x), [9]),
  at(
    "gather",
    (x) =>
      g.gather(
        x,
        indices([
          [2, 0],
          [2, 1],
        ]),
        1,
      ),
    [2, 3, 2],
  ),
  at("gather of one", (x) => g.gather(x, g.constant(whole([], [1])), 0), [3, 2]),
  at(
    "gatherElements",
    (x) =>
      g.gatherElements(
        x,
        indices([
          [2, 2, 0],
          [1, 1, 2],
        ]),
        1,
      ),
    [2, 4],
  ),
  at("scatterAdd", (x) => g.scatterAdd(x, indices([[0, 0, 3]]), 1, [2, 4]), [1, 3]),
  at("topK", (x) => g.topK(x, 2, 1), [3, 5]),
  at("the smallest two", (x) => g.topK(x, 2, 0, false), [5]),
  at("by argMax", (x) => g.gatherElements(x, g.argMax(x, 1), 1), [3, 4]),
  at("maxPool, overlapping", (x) => g.maxPool(x, odd33), [2, 3, 6, 7]),
  at("averagePool, padded", (x) => g.averagePool(x, odd33), [2, 3, 6, 7]),
  at("averagePool in tiles", (x) => g.averagePool(x, tiles), [2, 3, 4, 6]),
  at("where", (a, b) => g.where(g.greater(a, g.scalarLike(a, 0)), g.mul(a, b), b), [6], [1]),
  at("cast there and back", (x) => g.mul(x, g.cast(g.cast(x, "float32"), "float64")), [3]),
  at("matmul", g.matmul, [2, 3], [3, 4]),
  at("matmul, batch broadcast", g.matmul, [2, 2, 3], [3, 4]),
  at("softmax", (x) => g.softmax(x), [2, 5]),
  at("softmax, inner axis", (x) => g.softmax(x, 1), [2, 3, 2]),
  at("logSoftmax", (x) => g.logSoftmax(x), [2, 5]),
  at("sum of an inner axis", (x) => g.sum(x, [1]), [2, 3, 2]),
  at("mean of all", (x) => g.mean(x), [2, 3]),
  at("max, keeping the axis", (x) => g.max(x, [1], true), [3, 4]),
  at("max, dropping axes", (x) => g.max(x, [0, 2]), [2, 3, 2]),
  at("reshape", (x) => g.reshape(x, [3, 2]), [2, 3]),
  at("transpose", (x) => g.transpose(x, [2, 0, 1]), [2, 3, 4]),
  at("expand", (x) => g.expand(x, [4, 2, 3]), [2, 1]),
  at("slice with a step", (x) => g.sliceAxis(x, 1, 1, 6, 2), [2, 7]),
  at("slice backwards", (x) => g.sliceAxis(x, 0, 5, 0, -2), [7]),
  at("flip", (x) => g.flip(x, 1), [2, 3]),
  at("concat", (a, b) => g.concat([a, b, a], 1), [2, 1], [2, 3]),
  at("pad", (x) => g.pad(x, [1, 0], [0, 2]), [2, 2]),
  at("conv, stride 2", (x, w) => g.conv(x, w, half), [2, 3, 6, 6], [4, 3, 3, 3]),
  at("conv, odd geometry", (x, w) => g.conv(x, w, odd), [1, 2, 5, 7], [3, 2, 2, 3]),
  at("conv over the whole image", (x, w) => g.conv(x, w, half), [2, 3, 4, 5], [4, 3, 4, 5]),
  at("conv, groups", (x, w) => g.conv(x, w, grouped), [1, 4, 5, 5], [6, 2, 3, 3]),
  at(
    "gradient of conv by x, odd geometry",
    (dy, w) => g.convInputGradient(dy, w, [1, 2, 5, 7], odd),
    [1, 3, 3, 5],
    [3, 2, 2, 3],
  ),
  at(
    "gradient of conv by w, stride 2",
    (x, dy) => g.convWeightGradient(x, dy, [3, 3], half),
    [2, 3, 6, 6],
    [2, 4, 3, 3],
  ),
];

/** Numbers from U[low, high], determined by `seed`. */
function drawn(shape: Shape, seed: number, [low, high]: readonly [number, number]): NdArray {
  const data = Float64Array.from(
    { length: elementCount(shape) },
    (_, i) => low + ((high - low) * threefry([7, seed], 0, i)[0]) / 2 ** 32,
  );
  return { dtype: "float64", shape, data };
}

const dot = (a: NdArray, b: NdArray) =>
  (a.data as Float64Array).reduce((total, v, i) => total + v * Number(b.data[i]), 0);

const moved = (x: NdArray, v: NdArray, h: number): NdArray => ({
  dtype: "float64",
  shape: x.shape,
  data: (x.data as Float64Array).map((value, i) => value + h * Number(v.data[i])),
});

const withGradients = (f: Case["f"], shapes: readonly Shape[]): Value[] => {
  const inputs = shapes.map((s, i) => g.input(`x${i}`, s, "float64"));
  const y = f(...inputs);
  return [y, ...gradient(g.sum(y), inputs)];
};

describe("gradient agrees with finite differences:", () => {
  it.each(cases)("$name", ({ f, shapes, domain }) => {
    const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape, "float64"));
    const y = f(...inputs);
    const weights = drawn(y.shape, 99, [-1, 1]);
    const loss = g.sum(g.mul(y, g.constant(weights)));
    const gradients = gradient(loss, inputs);
    const points = shapes.map((shape, i) => drawn(shape, i, domain));
    const directions = shapes.map((shape, i) => drawn(shape, 50 + i, [-1, 1]));
    const feeds = (h: number) =>
      Object.fromEntries(points.map((x, i) => [`x${i}`, moved(x, directions[i], h)]));
    const lossAt = (h: number) => Number(interpret([loss], feeds(h))[0].data[0]);

    const computed = interpret(gradients, feeds(0));
    gradients.forEach((dx, i) => {
      expect(dx.shape).toEqual(shapes[i]);
    });
    const slope = computed.reduce((total, dx, i) => total + dot(dx, directions[i]), 0);
    const h = 1e-5;
    const measured = (lossAt(h) - lossAt(-h)) / (2 * h);
    // The cast rounds to float32, which limits the precision of a small step.
    const digits =
      y.op === "Mul" && topological<Value>([y]).some(({ op }) => op === "Cast") ? 2 : 7;
    expect(slope).toBeCloseTo(measured, digits);
  });

  it("for every operator that has a gradient", () => {
    const covered = new Set<Op>();
    for (const { f, shapes } of cases)
      for (const { op } of topological<Value>(withGradients(f, shapes))) covered.add(op);
    const elsewhere: Op[] = ["StraightThrough", "StopGradient"];
    expect(Object.keys(rules).filter((op) => !covered.has(op as Op))).toEqual(elsewhere);
  });
});

describe("gradient", () => {
  it("of straightThrough goes to its second input unchanged", () => {
    const x = g.input("x", [2], "float64");
    const [dx] = gradient(g.sum(g.straightThrough(g.round(x), x)), [x]);
    expect([...interpret([dx], { x: numbers([0.2, 7.7]) })[0].data]).toEqual([1, 1]);
  });

  it("of clip is 1 at its bounds, so that a black pixel has a gradient", () => {
    const x = g.input("x", [4], "float64");
    const [dx] = gradient(g.sum(g.clip(x, 0, 1)), [x]);
    expect([...interpret([dx], { x: numbers([0, 1, -0.1, 1.1]) })[0].data]).toEqual([1, 1, 0, 0]);
  });

  it("of x⁰ is 0, even at x = 0", () => {
    const x = g.input("x", [2], "float64");
    const [dx] = gradient(g.sum(g.pow(x, g.constant(numbers([0, 2])))), [x]);
    expect([...interpret([dx], { x: numbers([0, 0]) })[0].data]).toEqual([0, 0]);
  });

  it("does not flow through stopGradient", () => {
    const x = g.input("x", [], "float64");
    const [dx] = gradient(g.mul(x, g.stopGradient(x)), [x]);
    const at3 = { x: { dtype: "float64" as const, shape: [], data: Float64Array.of(3) } };
    expect(interpret([dx], at3)[0].data[0]).toBe(3);
  });

  it("is 0 at the kink of relu", () => {
    const x = g.input("x", [1], "float64");
    const [dx] = gradient(g.sum(g.relu(x)), [x]);
    const at0 = { x: { dtype: "float64" as const, shape: [1], data: Float64Array.of(0) } };
    expect(interpret([dx], at0)[0].data[0]).toBe(0);
  });

  it("of a maximum is shared equally by ties", () => {
    const x = g.input("x", [4], "float64");
    const [dx] = gradient(g.max(x), [x]);
    const feeds = {
      x: { dtype: "float64" as const, shape: [4], data: Float64Array.of(1, 2, 2, 0) },
    };
    expect([...interpret([dx], feeds)[0].data]).toEqual([0, 0.5, 0.5, 0]);
  });

  it("by a value that the loss does not depend on is zeros", () => {
    const [x, other] = [g.input("x", [2]), g.input("other", [3])];
    const [dOther] = gradient(g.sum(x), [other]);
    expect([...interpret([dOther])[0].data]).toEqual([0, 0, 0]);
  });

  it("rejects a loss that is not a scalar and says what to do", () => {
    const x = g.input("x", [128, 10]);
    expect(() => gradient(x, [x])).toThrow(
      "gradient needs a scalar, got a value of shape [128, 10]; sum it first",
    );
  });
});
