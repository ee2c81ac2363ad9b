// Small ReLU networks of two inputs, whose exact minimum over a box or a diamond is computed in rational numbers.
import { afterAll, describe, expect, it } from "vitest";
import {
  compare,
  exactMinima,
  type Layer,
  near,
  polygonOf,
  type Rational,
  rational,
} from "../../../test/fixtures/rational.ts";
import { normal, uniform } from "../../math/distributions.ts";
import { fold, keyOf } from "../../math/random.ts";
import { tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import type { Value } from "../graph/value.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { branchAndBound } from "./branch.ts";
import { Crown, type SparseRow } from "./crown.ts";
import { refinedBranching } from "./refine.ts";
import { ballAround, type InputRegion } from "./region.ts";
import { optimizedBounds } from "./slopes.ts";

const runtime: Promise<Runtime> = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const WIDTHS = [2, 5, 4, 2];
/** Weights that are multiples of 1/64, so that float32 has them. */
const layersOf = (seed: number): Layer[] =>
  WIDTHS.slice(1).map((to, k) => {
    const draw = normal([fold(keyOf(seed), k)], [1, (WIDTHS[k] + 1) * to]).data;
    const values = Array.from(draw, (v) => Math.round(64 * v) / 64);
    const row = (i: number) => values.slice(i * to, (i + 1) * to);
    return { w: Array.from({ length: WIDTHS[k] }, (_, i) => row(i)), b: row(WIDTHS[k]) };
  });

/** The network with matrix products, whose walks are in doubles, or with convolutions, whose walks are in float32. */
function networkOf(layers: readonly Layer[], kind: "dense" | "conv"): readonly [Value, Value] {
  const x = g.input("x", [1, 2]);
  let y: Value = kind === "dense" ? x : g.reshape(x, [1, 2, 1, 1]);
  for (const [k, { w, b }] of layers.entries()) {
    const [from, to] = [w.length, b.length];
    if (k > 0) y = g.relu(y);
    const transposed = b.flatMap((_, j) => w.map((row) => row[j]));
    const product =
      kind === "dense"
        ? g.matmul(y, g.constant(tensor([from, to], w.flat())))
        : g.conv(y, g.constant(tensor([to, from, 1, 1], transposed)));
    y = g.add(product, g.constant(tensor(kind === "dense" ? [to] : [1, to, 1, 1], b)));
  }
  return [x, g.reshape(y, [1, 2])];
}

const open = async (layers: readonly Layer[], kind: "dense" | "conv"): Promise<Crown> => {
  const crown = new Crown((await runtime).compile, ...networkOf(layers, kind));
  opened.push(crown);
  return crown;
};

/** The region's exact shape: bounds and balls are doubles. */
const shapeOf = ({ lower, upper, ball }: InputRegion) => polygonOf(lower, upper, ball);

const rows: SparseRow[] = [[[0, 1]], [[1, 1]]];
const expectBelow = (bounds: ArrayLike<number>, exact: readonly Rational[]) => {
  for (const [i, minimum] of exact.entries())
    if (bounds[i] > Number.NEGATIVE_INFINITY)
      expect(compare(rational(bounds[i]), minimum)).toBeLessThanOrEqual(0);
};

const cases = [1, 2, 3, 4, 5, 6].flatMap((seed) =>
  (["dense", "conv"] as const).map((kind) => ({ seed, kind })),
);

describe.each(cases)("on network $seed, $kind, no bound is above the exact minimum", (one) => {
  const { seed, kind } = one;
  const layers = layersOf(seed);
  const [a, b, size] = uniform([fold(keyOf(seed), 99)], [1, 3]).data;

  it("of IBP, CROWN and α-CROWN, on boxes and diamonds", async () => {
    const crown = await open(layers, kind);
    const { output } = crown.plan;
    for (const norm of ["linf", "l1"] as const)
      for (const epsilon of [1e-3, 0.05, 0.2 + size]) {
        const region = ballAround(norm, [2 * a - 1, 2 * b - 1], epsilon, [-1, 1]);
        const exact = exactMinima(layers, shapeOf(region));
        const plain = await crown.analyse(region, { walks: false });
        expectBelow(plain.interval(output).lower, exact);
        const state = await crown.analyse(region, { known: plain });
        expectBelow(await crown.lowerBounds(state, output, rows), exact);
        const options = { iterations: 8, untilPositive: false, stop: () => false };
        expectBelow(await optimizedBounds(crown, state, output, rows, options), exact);
        for (const node of crown.plan.order) {
          const { lower, upper } = state.interval(node);
          for (let i = 0; i < lower.length; i++) expect(lower[i]).toBeLessThanOrEqual(upper[i]);
        }
      }
  });

  it("of branching, which proves what holds by a margin and nothing that does not", async () => {
    const crown = await open(layers, kind);
    const region = ballAround("linf", [2 * a - 1, 2 * b - 1], 0.3, [-1, 1]);
    const [minimum] = exactMinima(layers, shapeOf(region)).map(near);
    const state = await crown.analyse(region);
    const scale = 1 + Math.abs(minimum);
    const proves = async (limit: number) => {
      const goals = [{ row: rows[0], limit }];
      const stop = () => {
        let calls = 0;
        return () => ++calls > 400;
      };
      const { proven } = await branchAndBound(crown, state, goals, stop());
      return [proven, await refinedBranching(crown, state, goals, stop())];
    };
    expect(await proves(minimum - 0.05 * scale)).toEqual([true, true]);
    expect(await proves(minimum)).toEqual([false, false]);
    expect(await proves(minimum + 1e-3 * scale)).toEqual([false, false]);
  });
});

describe("the largest radius with a proof, on a linear network,", () => {
  const layers: Layer[] = [
    {
      w: [
        [0.75, -0.5],
        [-1.25, 0.25],
      ],
      b: [0.5, -0.25],
    },
  ];
  // y₀ − y₁ = 1.25·x₀ − 1.5·x₁ + 0.75.
  const centre = [0.5, 0.4];
  const margin = 1.25 * 0.5 - 1.5 * 0.4 + 0.75;
  const row: SparseRow = [
    [0, 1],
    [1, -1],
  ];
  it.each([
    { norm: "linf", range: [-9, 9], radius: margin / 2.75 },
    { norm: "l2", range: [-9, 9], radius: margin / Math.hypot(1.25, 1.5) },
    { norm: "l1", range: [-9, 9], radius: margin / 1.5 },
    // x₀ stops at 0.25: 1.25·0.25 + 1.5·r = margin.
    { norm: "linf", range: [0.25, 9], radius: (margin - 1.25 * 0.25) / 1.5 },
  ] as const)("is the exact one to 1e-4: $norm, pixels in $range", async (one) => {
    const { norm, range, radius } = one;
    for (const kind of ["dense", "conv"] as const) {
      const crown = await open(layers, kind);
      const boundAt = async (epsilon: number) => {
        const state = await crown.analyse(ballAround(norm, centre, epsilon, range));
        return (await crown.lowerBounds(state, crown.plan.output, [row]))[0];
      };
      expect(await boundAt(radius * (1 - 1e-4))).toBeGreaterThan(0);
      expect(await boundAt(radius * (1 + 1e-9))).toBeLessThan(0);
    }
  });
});
