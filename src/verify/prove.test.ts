import { afterAll, describe, expect, it } from "vitest";
import { isSlow } from "../../test/fixtures/slow.ts";
import { Crown } from "../engine/bounds/crown.ts";
import * as g from "../engine/graph/expressions.ts";
import { interpret } from "../engine/graph/interpret.ts";
import type { Value } from "../engine/graph/value.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { normal, uniform } from "../math/distributions.ts";
import { fold, keyOf } from "../math/random.ts";
import { elementCount, type NdArray, type Shape, tensor } from "../math/tensor.ts";
import type { Case, Inequality, Property } from "./property.ts";
import { type ProofEvent, prove, type Stage } from "./prove.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});
const crownOf = (x: Value, y: Value): Crown => {
  const crown = new Crown(async (outputs) => (await runtime).compile(outputs), x, y);
  opened.push(crown);
  return crown;
};
const now = () => performance.now() / 1000;

const verdictOf = async (
  crown: Crown,
  property: Property,
  options: { seconds?: number; upTo?: Stage; signal?: AbortSignal } = {},
): Promise<ProofEvent> => {
  const { seconds = 60, upTo, signal } = options;
  let last: ProofEvent | undefined;
  for await (const event of prove(crown, property, { seconds, now, signal, upTo })) last = event;
  return last as ProofEvent;
};

const weights = (seed: number, shape: Shape): Value => {
  const { data } = normal([keyOf(seed)], [1, elementCount(shape)]);
  const scale = 1 / Math.sqrt(shape[0]);
  return g.constant({ dtype: "float32", shape, data: data.map((v) => v * scale) });
};

const x = g.input("x", [1, 4]);
const hidden = g.relu(g.matmul(g.relu(g.matmul(x, weights(1, [4, 12]))), weights(2, [12, 12])));
const y = g.matmul(hidden, weights(3, [12, 2]));
const crown = crownOf(x, y);
const around = (centre: readonly number[], epsilon: number): Pick<Case, "lower" | "upper"> => ({
  lower: Float64Array.from(centre, (c) => c - epsilon),
  upper: Float64Array.from(centre, (c) => c + epsilon),
});
const propertyOf = (box: Pick<Case, "lower" | "upper">, ...conditions: Inequality[]): Property => ({
  inputs: 4,
  outputs: 2,
  cases: [{ lower: box.lower, upper: box.upper, conditions }],
});
const margin = (point: Float64Array): number => {
  const feeds: Record<string, NdArray> = { x: { dtype: "float64", shape: [1, 4], data: point } };
  const [{ data }] = interpret([y], feeds);
  return Number(data[0]) - Number(data[1]);
};

describe("prove", () => {
  it("proves what holds by a margin, and more with every method", async () => {
    const centre = [0.5, -0.2, 0.3, 0.1];
    const bound = margin(Float64Array.from(centre)) - 0.35;
    const condition = { coefficients: Float64Array.of(1, -1), bound };
    const property = propertyOf(around(centre, 0.1), condition);
    const gaps: number[] = [];
    for await (const event of prove(crown, property, { seconds: 60, now }))
      if (event.event === "stage") gaps.push(event.gap);
    expect(gaps.toSorted((a, b) => a - b)).toEqual(gaps);
    const easy = propertyOf(around(centre, 1e-4), condition);
    expect(await verdictOf(crown, easy)).toMatchObject({ event: "unsat", stage: "crown-ibp" });
  });

  it("never proves a box whose face touches a counterexample", async () => {
    for (let seed = 0; seed < (isSlow ? 6 : 1); seed++) {
      const key = keyOf(100 + seed);
      const centre = Array.from(normal([fold(key, 1)], [1, 4]).data);
      const r = 0.05 + uniform([fold(key, 2)], [1, 1]).data[0] / 2;
      const corner = uniform([fold(key, 3)], [1, 4]).data;
      const point = Float64Array.from(centre, (c, i) => c + (corner[i] < 0.5 ? -r : r));
      // The point satisfies the condition by as little as float32 allows.
      const bound = margin(point) + 1e-6 * (1 + Math.abs(margin(point)));
      const property = propertyOf(around(centre, r * (1 + 1e-6)), {
        coefficients: Float64Array.of(1, -1),
        bound,
      });
      expect(await verdictOf(crown, property)).toMatchObject({
        event: "unknown",
        reason: "methods",
      });
    }
  });

  it("does not prove y < y + 0: a proof needs a strictly positive margin", async () => {
    const linear = crownOf(x, g.matmul(x, weights(9, [4, 2])));
    const box = around([0, 0, 0, 0], 0);
    const property = propertyOf(box, { coefficients: Float64Array.of(1, -1), bound: 0 });
    expect(await verdictOf(linear, property)).toMatchObject({ event: "unknown" });
  });

  it("bounds each box of two that share their lower corner", async () => {
    const { lower } = around([0, 0, 0, 0], 0);
    const first = crownOf(x, g.matmul(x, g.constant(tensor([4, 2], [1, 1, 0, 0, 0, 0, 0, 0]))));
    const coefficients = Float64Array.of(-1, 0);
    // Y_0 = X_0 reaches 1 in the second box only.
    const cases = [0.5, 2].map((top) => ({
      lower,
      upper: lower.map(() => top),
      conditions: [{ coefficients, bound: -1 }],
    }));
    const verdict = await verdictOf(first, { inputs: 4, outputs: 2, cases });
    expect(verdict).toMatchObject({ event: "unknown", open: 1 });
  });

  it("needs one condition per case to hold nowhere, not all", async () => {
    const box = around([0.5, -0.2, 0.3, 0.1], 0.01);
    const impossible = { coefficients: Float64Array.of(1, 0), bound: -100 };
    const certain = { coefficients: Float64Array.of(1, 0), bound: 100 };
    expect(await verdictOf(crown, propertyOf(box, certain, impossible))).toMatchObject({
      event: "unsat",
    });
    expect(await verdictOf(crown, propertyOf(box, certain))).toMatchObject({ event: "unknown" });
  });

  it("stops at its time and at a signal", async () => {
    const box = around([0.5, -0.2, 0.3, 0.1], 2);
    const property = propertyOf(box, { coefficients: Float64Array.of(1, -1), bound: 0 });
    expect(await verdictOf(crown, property, { seconds: 0 })).toMatchObject({ reason: "time" });
    const signal = AbortSignal.abort();
    expect(await verdictOf(crown, property, { signal })).toMatchObject({ reason: "interrupted" });
  });

  it("refuses a property of another network", async () => {
    const property = { inputs: 3, outputs: 2, cases: [] };
    await expect(verdictOf(crown, property)).rejects.toThrow("they belong to different networks");
  });
});
