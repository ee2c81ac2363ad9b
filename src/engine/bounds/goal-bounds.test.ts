import { afterAll, describe, expect, it } from "vitest";
import { normal, uniform } from "../../math/distributions.ts";
import { keyOf } from "../../math/random.ts";
import { elementCount, type NdArray, type Shape, tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { interpret } from "../graph/interpret.ts";
import type { Value } from "../graph/value.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { bestSplits, branchAndBound, type Goal, rootsOf } from "./branch.ts";
import { Crown } from "./crown.ts";
import type { Domain, Layer } from "./domain.ts";
import { GoalBounds, neuronsPerLayer } from "./goal-bounds.ts";
import { improved } from "./improved.ts";
import { boxAround } from "./region.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});
const never = () => false;

/** The root of a goal, improved, and what tightens it. */
async function rootOf(x: Value, y: Value, goal: Goal, centre: readonly number[], radius: number) {
  const crown = new Crown(async (outputs) => (await runtime).compile(outputs), x, y);
  opened.push(crown);
  const state = await crown.analyse(boxAround(centre, radius, [-9, 9]));
  const { program, roots } = rootsOf(crown, state, [goal]);
  await improved(program, roots, 20, never);
  return { program, root: roots[0], bounds: new GoalBounds(program) };
}

it("bounds a neuron by what the goal's failure says about the input", async () => {
  // On [0, 1]², f = x₀ + x₁ − relu(z) with z = x₀ − 0.5 is at least x₀/2 + x₁, by the upper line of the ReLU.
  const x = g.input("x", [1, 2]);
  const z = g.matmul(x, g.constant(tensor([2, 1], Float32Array.of(1, 0))));
  const neuron = g.relu(g.add(z, g.constant(tensor([1, 1], Float32Array.of(-0.5)))));
  const sum = g.matmul(x, g.constant(tensor([2, 1], Float32Array.of(1, 1))));
  const y = g.sub(sum, neuron);
  const goal: Goal = { row: [[0, 1]], limit: 0.25 };
  const { root, bounds } = await rootOf(x, y, goal, [0.5, 0.5], 0.5);
  expect(root.lines.lower[0]).toBeCloseTo(-0.5, 12);
  expect(root.lines.upper[0]).toBeCloseTo(0.5, 12);
  const tightened = await bounds.ofRegion(root, 64, never);
  // So f ≤ 0.25 only where x₀ ≤ 0.5, which is z ≤ 0.
  expect(tightened?.lines.upper[0]).toBeLessThan(0.05);
  expect(tightened?.lines.upper[0]).toBeGreaterThanOrEqual(0);
  expect(tightened?.lines.lower[0]).toBeCloseTo(-0.5, 12);
  expect(tightened?.bound).toBeCloseTo(0, 6);
});

it("bounds fewer neurons for each goal if there are more goals", () => {
  expect([1, 2, 3, 4, 9].map(neuronsPerLayer)).toEqual([256, 128, 85, 64, 64]);
});

it("bounds no more neurons of a layer than it is asked to", async () => {
  // On [−1, 1]⁴, f = −Σ relu(xᵢ) is at most −3.5 only where every xᵢ is at least 0.5.
  const x = g.input("x", [1, 4]);
  const y = g.neg(g.sum(g.relu(x), [1], true));
  const { root, bounds } = await rootOf(x, y, { row: [[0, 1]], limit: -3.5 }, [0, 0, 0, 0], 1);
  const raised = async (perLayer: number): Promise<number> => {
    const tightened = await bounds.ofRegion(root, perLayer, never);
    return tightened?.lines.lower.filter((low) => low > -0.5).length ?? 0;
  };
  expect(await raised(1)).toBe(1);
  expect(await raised(3)).toBe(3);
});

type Type = "float32" | "float64";

const arrayOf = (type: Type, shape: Shape, data: Float32Array): NdArray =>
  type === "float32"
    ? { dtype: type, shape, data }
    : { dtype: type, shape, data: Float64Array.from(data) };

const random = (type: Type, seed: number, shape: Shape): Value => {
  const { data } = normal([keyOf(seed)], [1, elementCount(shape)]);
  const scale = 1 / Math.sqrt(shape[0] === 12 && shape.length === 4 ? 3 : shape[0]);
  return g.constant(
    arrayOf(
      type,
      shape,
      data.map((v) => v * scale),
    ),
  );
};

/** A network with two hidden layers for a batch; walks of its convolution are in float32, others in doubles. */
function networkOf(type: Type, batch: number) {
  const x = g.input("x", [batch, 3], type);
  const hasConvolution = type === "float32";
  const first = hasConvolution
    ? g.conv(g.reshape(x, [batch, 3, 1, 1]), random(type, 1, [12, 3, 1, 1]))
    : g.add(g.matmul(x, random(type, 1, [3, 12])), random(type, 2, [1, 12]));
  const hidden = g.reshape(g.relu(first), [batch, 12]);
  const second = g.add(g.matmul(hidden, random(type, 3, [12, 10])), random(type, 4, [1, 10]));
  return { x, inputs: [first, second], y: g.matmul(g.relu(second), random(type, 5, [10, 1])) };
}

const COUNT = 20_000;

/** Points of the box of radius 1 around 0, its corners among them, and the network's values there. */
function sampled(type: Type) {
  const { data } = uniform([keyOf(99)], [1, 3 * COUNT], -1, 1);
  for (let corner = 0; corner < 8; corner++)
    for (let i = 0; i < 3; i++) data[3 * corner + i] = (corner >> i) & 1 ? 1 : -1;
  const { y, inputs } = networkOf(type, COUNT);
  const [out, ...hidden] = interpret([y, ...inputs], { x: arrayOf(type, [COUNT, 3], data) });
  return { out: Array.from(out.data as Float64Array), hidden };
}

describe.each(["float32", "float64"] as const)("in walks of %s", (type) => {
  const { out, hidden } = sampled(type);
  const least = out.reduce((a, b) => Math.min(a, b));
  const at = async (limit: number) => {
    const { x, y } = networkOf(type, 1);
    return rootOf(x, y, { row: [[0, 1]], limit }, [0, 0, 0], 1);
  };

  it("finds that a goal fails nowhere, which its own bound did not show", async () => {
    const { root, bounds } = await at(least - MARGIN);
    expect(root.bound).toBeLessThan(root.limit);
    expect(await bounds.ofRegion(root, 64, never)).toBeNull();
  });

  it.each([0.05, 0.2, 0.4])(
    "keeps every point where the goal fails, %f above the least value",
    async (more) => {
      const { program, root, bounds } = await at(least + more);
      const tightened = await bounds.ofRegion(root, 64, never);
      expect(tightened).not.toBeNull();
      const splits = await bestSplits(program, [tightened as Domain], 8, never);
      const halves = splits.flatMap((split) => split?.halves ?? []);
      const parts: Domain[] = [tightened as Domain];
      await improved(program, halves, 4, never);
      for (const half of halves) {
        const [lines] = await bounds.narrowParts([half], never);
        if (lines !== null) parts.push({ ...half, lines });
      }
      let failing = 0;
      for (const [n, value] of out.entries()) {
        if (value > root.limit) continue;
        failing++;
        expect(parts.filter((part) => holds(program.layers, part, hidden, n)).length).toBe(2);
      }
      expect(failing).toBeGreaterThan(0);
      const width = ({ lower, upper }: Domain["lines"]) =>
        upper.reduce((sum, high, k) => sum + high - lower[k], 0);
      expect(width((tightened as Domain).lines)).toBeLessThan(width(root.lines) - 1e-3);
    },
  );
});

/** What the goal's own bound lacks at the least value that was found, and bounds of neurons make up for. */
const MARGIN = 0.05;

/** Whether a point's values are in all intervals of a part, and have the signs of its splits. */
function holds(
  layers: readonly Layer[],
  { lines, splits }: Domain,
  hidden: readonly NdArray[],
  n: number,
): boolean {
  const signs = new Map(splits.map(({ neuron, sign }) => [neuron, sign]));
  return layers.every(({ first, elements, size }, l) =>
    Array.from(elements).every((element, i) => {
      const z = Number(hidden[l].data[n * size + element]);
      const k = first + i;
      const sign = signs.get(k);
      const room = 1e-5;
      if (sign !== undefined && sign * z < 0) return false;
      return z >= lines.lower[k] - room && z <= lines.upper[k] + room;
    }),
  );
}

describe("a search", () => {
  const { out } = sampled("float64");
  const least = out.reduce((a, b) => Math.min(a, b));
  const search = async (limits: readonly number[], stop: () => boolean) => {
    const { x, y } = networkOf("float64", 1);
    const crown = new Crown(async (outputs) => (await runtime).compile(outputs), x, y);
    opened.push(crown);
    const state = await crown.analyse(boxAround([0, 0, 0], 1, [-9, 9]));
    const goals = limits.map((limit): Goal => ({ row: [[0, 1]], limit }));
    return branchAndBound(crown, state, goals, stop);
  };

  it("ends without being stopped where a goal fails", async () => {
    let asked = 0;
    const found = await search([least + 0.01], () => ++asked > 100_000);
    expect(asked).toBeLessThan(100_000);
    expect(found.proven).toBe(false);
    expect(found.gap).toBeLessThanOrEqual(0);
  });

  it("keeps goals apart of which one holds", async () => {
    const { gaps } = await search([least - 0.05, least + 0.01], never);
    expect(gaps[0]).toBe(Number.POSITIVE_INFINITY);
    expect(gaps[1]).toBeLessThanOrEqual(0);
  });

  it.each([1, 2, 3, 5, 8, 13, 21, 34])(
    "that is stopped after %i questions claims no proof",
    async (questions) => {
      let asked = 0;
      const found = await search([least + 0.01, least + 0.02], () => ++asked > questions);
      expect(found.proven).toBe(false);
      for (const gap of found.gaps) expect(gap).toBeLessThanOrEqual(0);
    },
  );
});
