import { describe, expect, it } from "vitest";
import adamGolden from "../../test/golden/adam.json" with { type: "json" };
import golden from "../../test/golden/sgd.json" with { type: "json" };
import { gradient } from "../engine/autodiff/gradient.ts";
import { interpret } from "../engine/graph/interpret.ts";
import { constant, input, mul, scalarLike, sub, sum } from "../engine/graph/ops.ts";
import { isSlot } from "../models/slot-names.ts";
import { adam, sgd, slotShapes } from "./optimizer.ts";

const float64 = (data: readonly number[]) =>
  ({ dtype: "float64", shape: [data.length], data: Float64Array.from(data) }) as const;

describe("SGD", () => {
  it.each(golden.cases)(
    "follows PyTorch with momentum $momentum and weight decay $weightDecay",
    ({ momentum, weightDecay, rates, target, trace }) => {
      const p = input("p", [4], "float64");
      const velocity = input("velocity", [4], "float64");
      const rate = input("rate", [], "float64");
      const apart = sub(p, constant(float64(target)));
      const square = mul(apart, apart);
      const loss = sum(mul(mul(square, square), scalarLike(p, 1 / 32)));
      const [g] = gradient(loss, [p]);
      const next = sgd({ momentum, weightDecay }).update(p, g, { momentum: velocity }, rate);

      let now = float64(trace[0]);
      let remembered = float64([0, 0, 0, 0]);
      rates.forEach((value, step) => {
        const feeds = {
          p: now,
          velocity: remembered,
          rate: { dtype: "float64", shape: [], data: Float64Array.of(value) } as const,
        };
        const [moved, kept] = interpret([next.parameter, next.state.momentum], feeds);
        now = float64([...(moved.data as Float64Array)]);
        remembered = float64([...(kept.data as Float64Array)]);
        for (const [i, x] of now.data.entries()) expect(x).toBeCloseTo(trace[step + 1][i], 12);
      });
    },
  );
});

it.each(adamGolden.cases)(
  "Adam follows PyTorch with weight decay $weightDecay",
  ({ weightDecay, rates, target, trace }) => {
    const [p, mean, squares] = ["p", "mean", "squares"].map((name) => input(name, [4], "float64"));
    const rate = input("rate", [], "float64");
    const apart = sub(p, constant(float64(target)));
    const squared = mul(apart, apart);
    const loss = sum(mul(mul(squared, squared), scalarLike(p, 1 / 32)));
    const [g] = gradient(loss, [p]);
    const optimizer = adam({ weightDecay });
    const next = optimizer.update(p, g, { mean, squares }, rate);
    const outputs = [next.parameter, next.state.mean, next.state.squares];

    let [now, first, second] = [trace[0], [0, 0, 0, 0], [0, 0, 0, 0]];
    rates.forEach((value, step) => {
      const factor = optimizer.rateFactor?.(step) ?? 1;
      const feeds = {
        p: float64(now),
        mean: float64(first),
        squares: float64(second),
        rate: { dtype: "float64", shape: [], data: Float64Array.of(value * factor) } as const,
      };
      [now, first, second] = interpret(outputs, feeds).map(({ data }) => Array.from(data, Number));
      // PyTorch adds ε to the corrected root, and we to the root itself.
      for (const [i, x] of now.entries()) expect(x).toBeCloseTo(trace[step + 1][i], 5);
    });
  },
);

it("a checkpoint tells the slots of every optimiser from parameters", () => {
  const parameters = [{ name: "fc.weight", shape: [2] }];
  for (const optimizer of [sgd({ momentum: 0.9, weightDecay: 0 }), adam({ weightDecay: 0 })])
    for (const [name] of slotShapes(optimizer, parameters))
      expect([name, isSlot(name)]).toEqual([name, true]);
  expect(isSlot("fc.weight")).toBe(false);
});
