import { describe, expect, it } from "vitest";
import { tensor } from "../../math/tensor.ts";
import * as g from "./expressions.ts";
import { graphBytes } from "./fingerprint.ts";
import type { Value } from "./value.ts";

const x = g.input("x", [1, 4]);
const weights = (first: number) => g.constant(tensor([4, 2], [first, 2, 3, 4, 5, 6, 7, 8]));
const textOf = (output: Value) => Buffer.concat(graphBytes(output)).toString("latin1");

describe("the bytes of a graph", () => {
  const network = (w: Value, slope = 0) => g.relu(g.add(g.matmul(x, w), g.scalarLike(x, slope)));

  it("are equal for equal graphs that were built twice", () => {
    expect(textOf(network(weights(1)))).toBe(textOf(network(weights(1))));
  });

  it.each<[string, Value]>([
    ["a weight", network(weights(1.0000001))],
    ["a scalar that float32 rounds", network(weights(1), 1e-60)],
    ["an operator", g.abs(g.matmul(x, weights(1)))],
    ["the order of inputs", g.relu(g.add(g.scalarLike(x, 0), g.matmul(x, weights(1))))],
    ["an attribute", g.clip(g.matmul(x, weights(1)), 0, Number.POSITIVE_INFINITY)],
  ])("differ with %s", (_, other) => {
    expect(textOf(other)).not.toBe(textOf(network(weights(1))));
  });

  it("tell the bounds of a Clip apart that JSON has no text for", () => {
    const clipped = (low: number) => textOf(g.clip(x, low, 1));
    expect(clipped(Number.NEGATIVE_INFINITY)).not.toBe(clipped(Number.NaN));
  });
});
