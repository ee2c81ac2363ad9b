import { afterAll, describe, expect, it } from "vitest";
import { Crown } from "../engine/bounds/crown.ts";
import type { Compile } from "../engine/bounds/program.ts";
import { ballAround } from "../engine/bounds/region.ts";
import * as g from "../engine/graph/expressions.ts";
import { interpret } from "../engine/graph/interpret.ts";
import type { Value } from "../engine/graph/value.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { normal, uniform } from "../math/distributions.ts";
import { keyOf } from "../math/random.ts";
import { elementCount, type Shape } from "../math/tensor.ts";
import { RobustnessProver } from "./robustness.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
const crownOf = (x: Value, y: Value): Crown => {
  const crown = new Crown(async (outputs) => (await runtime).compile(outputs), x, y);
  opened.push(crown);
  return crown;
};
afterAll(async () => {
  for (const one of opened) await one.release();
});

const forever = () => false;
const range = [0, 1] as const;

const weights = (seed: number, shape: Shape): Value => {
  const { data } = normal([keyOf(seed)], [1, elementCount(shape)]);
  const scale = 1 / Math.sqrt(shape[0]);
  return g.constant({ dtype: "float32", shape, data: data.map((v) => v * scale) });
};

describe("a linear network", () => {
  // Margins of class 0 at 0.5: 0.8 over class 1 with ‖w₀ − w₁‖ of (∞: 2, 2: √6, 1: 4), more over class 2.
  const x = g.input("x", [1, 3]);
  const w = g.constant({
    dtype: "float32",
    shape: [3, 3],
    data: Float32Array.of(1, 0, 0, 1, 0, 0, 0, 2, 0),
  });
  const b = g.constant({ dtype: "float32", shape: [1, 3], data: Float32Array.of(0.75, 0, -5) });
  const crown = crownOf(x, g.add(g.matmul(x, w), b));
  const margin = 0.75;
  const radii = { linf: margin / 4, l2: margin / Math.sqrt(6), l1: margin / 2 };

  it.each(["linf", "l2", "l1"] as const)("is proven up to its exact radius in %s", async (norm) => {
    const prover = new RobustnessProver(crown, 0);
    const at = (epsilon: number) =>
      prover.open(ballAround(norm, [0.5, 0.5, 0.5], epsilon, range)).cheaply(forever);
    const inside = await at(radii[norm] * (1 - 1e-6));
    expect(inside).toMatchObject({ proven: true, method: "crown-ibp" });
    expect(inside.floatError).toBe(0);
    expect(inside.margin).toBeLessThan(1e-4);
    expect((await at(radii[norm])).proven).toBe(false);
  });

  it("has a larger radius where the box of pixels cuts the ball", async () => {
    const prover = new RobustnessProver(crown, 0);
    // At (1, 1, 0.125) only the third pixel can fall by more than 0 … 1 in a way that hurts.
    const ball = ballAround("linf", [0, 0, 0.25], 0.3, range);
    expect((await prover.open(ball).cheaply(forever)).proven).toBe(false);
    const corner = ballAround("linf", [0, 0, 0], 0.37, range);
    expect((await prover.open(corner).cheaply(forever)).proven).toBe(true);
  });

  it("is proven a little less far where float32 evaluations count", async () => {
    const prover = new RobustnessProver(crown, 0, { winograd: () => false });
    const at = (share: number) =>
      prover
        .open(ballAround("linf", [0.5, 0.5, 0.5], radii.linf * share, range))
        .thoroughly(forever);
    const inside = await at(1 - 1e-4);
    expect(inside.proven).toBe(true);
    // A few roundings of numbers around 1, and at least half a unit in the last place of one.
    expect(inside.floatError).toBeGreaterThan(2 ** -25);
    expect(inside.floatError).toBeLessThan(2 ** -16);
    const close = await at(1 - 1e-8);
    expect(close.proven).toBe(false);
    expect(close.margin).toBeLessThan(0);
  });

  it("is never proven for a class that it does not answer", async () => {
    const prover = new RobustnessProver(crown, 1);
    const ball = ballAround("l2", [0.5, 0.5, 0.5], 1e-6, range);
    const found = await prover.open(ball).thoroughly(forever);
    expect(found.proven).toBe(false);
    expect(found.margin).toBeCloseTo(-margin, 4);
  });
});

describe("a network with ReLUs", () => {
  const x = g.input("x", [1, 4]);
  const hidden = g.relu(g.matmul(g.relu(g.matmul(x, weights(1, [4, 12]))), weights(2, [12, 12])));
  const y = g.matmul(hidden, weights(3, [12, 3]));
  const crown = crownOf(x, y);
  const centre = [0.3, 0.7, 0.4, 0.6];
  const logits = (point: ArrayLike<number>): number[] =>
    Array.from(
      interpret([y], {
        x: { dtype: "float64", shape: [1, 4], data: Float64Array.from(point) },
      })[0].data as Float64Array,
    );
  const at = logits(centre);
  const label = at.indexOf(Math.max(...at));
  const prover = new RobustnessProver(crown, label);
  const marginOf = (point: ArrayLike<number>): number => {
    const scores = logits(point);
    return scores[label] - Math.max(...scores.filter((_, i) => i !== label));
  };

  /** The largest of some radii at which a method proves the label. */
  const reach = async (how: "cheaply" | "thoroughly"): Promise<number> => {
    let reached = 0;
    for (let epsilon = 0.01; epsilon < 0.5; epsilon *= 1.5) {
      const proof = prover.open(ballAround("linf", centre, epsilon, range));
      if (!(await proof[how](forever)).proven) break;
      reached = epsilon;
    }
    return reached;
  };

  it("is proven further by branching than by CROWN, and never where a point has another label", async () => {
    const [cheap, thorough] = [await reach("cheaply"), await reach("thoroughly")];
    expect(cheap).toBeGreaterThan(0);
    expect(thorough).toBeGreaterThan(cheap);
    const draws = uniform([keyOf(5)], [1, 4 * 300], -thorough, thorough);
    for (let i = 0; i < 300; i++) {
      const point = centre.map((c, k) => Math.min(1, Math.max(0, c + draws.data[4 * i + k])));
      expect(marginOf(point)).toBeGreaterThan(0);
    }
  });

  it("takes bounds of a larger ball over, which never loosen those of a smaller one", async () => {
    const outer = prover.open(ballAround("linf", centre, 0.2, range));
    await outer.cheaply(forever);
    const small = ballAround("linf", centre, 0.15, range);
    const [alone, shared] = [prover.open(small), prover.open(small, outer)];
    const [before, after] = [await alone.cheaply(forever), await shared.cheaply(forever)];
    expect(after.margin).toBeGreaterThanOrEqual(before.margin - 1e-9);
    const draws = uniform([keyOf(6)], [1, 4 * 200], -0.15, 0.15);
    for (let i = 0; i < 200; i++)
      expect(marginOf(centre.map((c, k) => c + draws.data[4 * i + k]))).toBeGreaterThanOrEqual(
        after.margin,
      );
  });

  it("goes on from its cheap bounds, and finds what it would have found in one go", async () => {
    let runs = 0;
    const compile: Compile = async (outputs) => {
      const compiled = await (await runtime).compile(outputs);
      return {
        run(feeds) {
          runs++;
          return compiled.run(feeds);
        },
        release: () => compiled.release(),
      };
    };
    const counted = new Crown(compile, x, y);
    opened.push(counted);
    const ball = ballAround("linf", centre, 0.2, range);
    const open = () => new RobustnessProver(counted, label, { winograd: () => false }).open(ball);
    const whole = await open().thoroughly(forever);
    const once = runs;
    const proof = open();
    const cheap = await proof.cheaply(forever);
    proof.rest();
    expect(proof.size).toBeGreaterThan(0);
    expect(await proof.thoroughly(forever)).toEqual(whole);
    expect(cheap.floatError).toBe(whole.floatError);
    expect(cheap.proven).toBe(false);
    expect(runs).toBe(2 * once);
  });

  it("ends at once, and proves nothing, where there is no time", async () => {
    const proof = prover.open(ballAround("linf", centre, 1e-3, range));
    expect(await proof.thoroughly(() => true)).toMatchObject({ proven: false });
  });
});
