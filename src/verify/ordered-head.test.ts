import { describe, expect, it } from "vitest";
import * as g from "../engine/graph/expressions.ts";
import { interpret } from "../engine/graph/interpret.ts";
import type { Value } from "../engine/graph/value.ts";
import { beforeOrderedHead, beforeSoftmax } from "./ordered-head.ts";

const x = g.input("x", [1, 3], "float64");
const number = (value: number, shape: readonly number[] = [1, 1]): Value =>
  g.constant({
    dtype: "float64",
    shape,
    data: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  });

/** A Softmax as some exporters write it. */
const written = (z: Value): Value => {
  const powers = g.exp(g.sub(z, g.max(z, [1], true)));
  return g.div(powers, g.sum(powers, [1], true));
};

describe("the operators at the end that keep the order", () => {
  it.each<[string, Value, readonly string[]]>([
    ["a Softmax along all outputs", g.softmax(x, 1), ["Softmax"]],
    ["a LogSoftmax", g.logSoftmax(x, 1), ["LogSoftmax"]],
    ["a Sigmoid of each class", g.sigmoid(x), ["Sigmoid"]],
    ["a Softmax before a Flatten", g.reshape(g.softmax(x, 1), [1, 3, 1, 1]), ["Softmax"]],
    ["a Softmax written out", written(x), ["Div", "Exp", "Sub"]],
    ["the logarithm of a Softmax", g.log(g.softmax(x, 1)), ["Log", "Softmax"]],
    ["a temperature", g.softmax(g.div(x, number(3)), 1), ["Softmax", "Div"]],
    ["a shift by one number", g.add(g.tanh(x), number(-7)), ["Add", "Tanh"]],
  ])("are left out: %s", (_, y, names) => {
    const { scores, leftOut } = beforeOrderedHead(y);
    expect(scores).toBe(x);
    expect(leftOut).toEqual(names);
    // The order of the outputs is that of the scores.
    const data = Float64Array.of(0.3, -1.2, 0.9);
    const [{ data: outputs }] = interpret([y], { x: { dtype: "float64", shape: [1, 3], data } });
    const order = (v: ArrayLike<number | bigint>) =>
      [0, 1, 2].sort((a, b) => Number(v[a]) - Number(v[b]));
    expect(order(outputs as Float64Array)).toEqual(order(data));
  });

  it.each<[string, Value]>([
    ["a Softmax along another axis", g.softmax(g.reshape(x, [3, 1]), 1)],
    ["a Softmax over a part of the outputs", g.softmax(g.reshape(g.concat([x, x], 1), [2, 3]), 1)],
    ["a factor below 0", g.mul(x, number(-1))],
    ["a division by a number that may be negative", g.div(x, g.sum(x, [1], true))],
    ["a bias per class", g.add(x, number(1, [1, 3]))],
    ["a factor per class", g.mul(x, number(2, [1, 3]))],
    ["a function that is flat somewhere", g.relu(x)],
    ["a logarithm of what may be negative", g.log(x)],
    ["a negation", g.neg(x)],
    ["a number minus the scores", g.sub(number(1), x)],
  ])("are not left out: %s", (_, y) => {
    expect(beforeOrderedHead(y)).toEqual({ scores: y, leftOut: [] });
  });

  it("leaves a Flatten alone that no such operator follows", () => {
    const y = g.reshape(x, [3, 1]);
    expect(beforeOrderedHead(y).scores).toBe(y);
  });
});

describe("the Softmax at the end", () => {
  const p = g.softmax(x, 1);
  const sum = (values: Value): Value => g.sum(g.abs(values), [1], true);
  const above = (values: Value, low: number): Value =>
    g.clip(values, low, Number.POSITIVE_INFINITY);
  const bySum = (values: Value): Value => g.div(values, above(sum(values), 1e-38));

  it.each<[string, Value]>([
    ["alone", p],
    ["divided by its sum, as a Normalizer is read", bySum(p)],
    ["and reshaped", g.reshape(bySum(p), [3, 1])],
  ])("is found %s", (_, y) => {
    expect(beforeSoftmax(y)).toBe(x);
  });

  it.each<[string, Value]>([
    ["divided by the sum of other values", g.div(p, above(sum(x), 1e-38))],
    ["divided by a number per class", g.div(p, above(g.abs(p), 1e-38))],
    ["divided by a number that may be 0", g.div(p, sum(p))],
    ["divided by a number so large that float32 loses the order", g.div(p, above(sum(p), 1e38))],
    ["that divides", g.div(above(sum(p), 1e-38), p)],
    ["behind a logarithm, whose sum may be infinite", bySum(g.log(p))],
    ["as a LogSoftmax, whose sum may be infinite", bySum(g.logSoftmax(x, 1))],
  ])("is not found %s", (_, y) => {
    expect(beforeSoftmax(y)).toBeNull();
  });
});
