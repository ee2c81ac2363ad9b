// Networks on which CROWN's bound is known to the last digits: too high and it is unsound, too low and a line is loose.
import { afterAll, describe, expect, it } from "vitest";
import { tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import type { Op, Value } from "../graph/value.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { Crown, type SparseRow } from "./crown.ts";
import { type ElementaryOp, elementary } from "./elementary.ts";
import { ballAround, type InputRegion } from "./region.ts";
import { linesOf } from "./relaxations.ts";

const runtime: Promise<Runtime> = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const box = (...sides: (readonly [number, number])[]): InputRegion => ({
  lower: Float64Array.from(sides, ([low]) => low),
  upper: Float64Array.from(sides, ([, high]) => high),
});

/** Lower bounds of rows of the output y = f(x), and their upper bounds: [lower, upper] per row. */
async function boundsOf(
  f: (x: Value) => Value,
  region: InputRegion,
  rows: readonly SparseRow[] = [[[0, 1]]],
): Promise<(readonly [number, number])[]> {
  const x = g.input("x", [1, region.lower.length]);
  const crown = new Crown(async (outputs) => (await runtime).compile(outputs), x, f(x));
  opened.push(crown);
  const state = await crown.analyse(region);
  const both = rows.flatMap((row) => [row, row.map(([i, c]) => [i, -c] as const)]);
  const bounds = await crown.lowerBounds(state, crown.plan.output, both);
  return rows.map((_, i) => [bounds[2 * i], 0 - bounds[2 * i + 1]] as const);
}

const times = (x: Value, factor: number): Value => g.mul(x, g.scalarLike(x, factor));
const column = (...values: number[]): Value => g.constant(tensor([values.length, 1], values));
const matrix = (rows: number, ...values: number[]): Value =>
  g.constant(tensor([rows, values.length / rows], values));
const part = (x: Value, i: number): Value => g.sliceAxis(x, 1, i, i + 1);
/** The same function of the first input, in a network with a convolution, whose walks are in float32. */
const inFloat32 =
  (f: (x: Value) => Value) =>
  (x: Value): Value => {
    const image = g.reshape(x, [1, 1, 1, x.shape[1]]);
    const conv = g.conv(image, g.constant(tensor([1, 1, 1, 1], [1])));
    return g.concat([f(x), g.reshape(conv, x.shape)], 1);
  };
const types = [
  { type: "float64" as const, lifted: (f: (x: Value) => Value) => f },
  { type: "float32" as const, lifted: inFloat32 },
];

const expectSharp = (
  [low, high]: readonly [number, number],
  [least, most]: readonly [number, number],
  slack = 2e-5,
) => {
  expect(low).toBeLessThanOrEqual(least);
  expect(high).toBeGreaterThanOrEqual(most);
  expect(least - low).toBeLessThan(slack * (1 + Math.abs(least)));
  expect(high - most).toBeLessThan(slack * (1 + Math.abs(most)));
};

describe.each(types)("in $type, CROWN is exact for", ({ lifted }) => {
  it("the upper line of a ReLU: relu(x) − s·x touches it at both ends", async () => {
    const f = (x: Value) => g.sub(g.relu(x), times(x, 0.75));
    const [[, high]] = await boundsOf(lifted(f), box([-1, 3]));
    expect(high).toBeGreaterThanOrEqual(0.75);
    expect(high).toBeLessThan(0.75 + 2e-5);
  });

  it.each([
    { low: -1, high: 3, slope: 1 },
    { low: -3, high: 1, slope: 0 },
  ])("the lower line of a ReLU on [$low, $high]", async ({ low, high, slope }) => {
    const f = (x: Value) => g.sub(g.relu(x), times(x, slope));
    const [[least]] = await boundsOf(lifted(f), box([low, high]));
    expect(least).toBeLessThanOrEqual(0);
    expect(least).toBeGreaterThan(-2e-5);
  });

  it("ReLUs of both signs of the coefficient, each with its own line", async () => {
    // 2·relu(x₀) − 3·relu(x₁) + the lower line of the first, the upper line of the second.
    const f = (x: Value) => g.sub(times(g.relu(part(x, 0)), 2), times(g.relu(part(x, 1)), 3));
    const [[low, high]] = await boundsOf(lifted(f), box([-1, 3], [-1, 3]));
    // relu(x₀) ≥ x₀ ≥ −1, and relu(x₁) ≤ 0.75·(x₁ + 1) ≤ 3.
    expectSharp([low, high], [-2 - 9, 6 + 3]);
  });

  it("differences with a constant on either side", async () => {
    const f = (x: Value) => g.sub(g.scalarLike(x, 5), g.sub(times(x, 2), g.scalarLike(x, 0.25)));
    expectSharp((await boundsOf(lifted(f), box([-1, 3])))[0], [-0.75, 7.25]);
  });

  it("constants that are no float32", async () => {
    const f = (x: Value) => g.add(x, g.scalar(0.1));
    const g2 = (x: Value) => g.sub(x, g.scalar(0.1));
    expectSharp((await boundsOf(lifted(f), box([0, 0])))[0], [0.1, 0.1]);
    expectSharp((await boundsOf(lifted(g2), box([0, 0])))[0], [-0.1, -0.1]);
  });

  it("the planes of a product: x·y − p·y − q·x touches them in two corners", async () => {
    const lines = linesOf(
      "Mul",
      [
        [-1, 2],
        [-3, 1],
      ],
      "float64",
    );
    for (const [sign, { slopes, intercept }] of [
      [1, lines.lower],
      [-1, lines.upper],
    ] as const) {
      const f = (x: Value) => {
        const [a, b] = [part(x, 0), part(x, 1)];
        const plane = g.add(times(a, slopes[0]), times(b, slopes[1]));
        return times(g.sub(g.mul(a, b), plane), sign);
      };
      const [[low]] = await boundsOf(lifted(f), box([-1, 2], [-3, 1]));
      expect(low).toBeLessThanOrEqual(sign * intercept + 1e-12);
      expect(low).toBeGreaterThan(sign * intercept - 2e-5);
    }
  });

  const smooth: Record<string, [number, number][]> = {
    Sigmoid: [
      [-1, 3],
      [0.5, 2],
      [-4, 4],
    ],
    Tanh: [
      [-1, 3],
      [-2, -0.5],
      [-3, 3],
    ],
    Exp: [[-1, 2]],
    Erf: [
      [-1, 2],
      [-2, 2],
    ],
    Log: [[0.2, 3]],
    Sqrt: [[0.1, 3]],
    Atan: [[-1, 3]],
    Sin: [[0.2, 1.4]],
    Cos: [[-0.5, 1.4]],
  };
  const units: Record<string, (x: Value) => Value> = {
    Sigmoid: g.sigmoid,
    Tanh: g.tanh,
    Exp: g.exp,
    Erf: g.erf,
    Log: g.log,
    Sqrt: g.sqrt,
    Atan: g.atan,
    Sin: g.sin,
    Cos: g.cos,
  };
  it.each(Object.keys(smooth))("the lines of %s", async (op) => {
    for (const [low, high] of smooth[op]) {
      const lines = linesOf(op as Op, [[low, high]], "float64");
      const sides = [lines.lower, lines.upper].map(({ slopes }) => slopes[0]);
      const f = (x: Value) =>
        g.concat(
          sides.map((s) => g.sub(units[op](x), times(x, s))),
          1,
        );
      const rows: SparseRow[] = [[[0, 1]], [[1, 1]]];
      const bounds = await boundsOf(lifted(f), box([low, high]), rows);
      const { f: exact } = elementary[op as ElementaryOp];
      const grid = Array.from({ length: 20_001 }, (_, i) => low + ((high - low) * i) / 20_000);
      const least = Math.min(...grid.map((v) => exact(v) - sides[0] * v));
      const most = Math.max(...grid.map((v) => exact(v) - sides[1] * v));
      expect(bounds[0][0]).toBeLessThanOrEqual(least + 1e-12);
      expect(bounds[0][0]).toBeGreaterThan(least - 2e-5);
      expect(bounds[1][1]).toBeGreaterThanOrEqual(most - 1e-12);
      expect(bounds[1][1]).toBeLessThan(most + 2e-5);
    }
  });

  it.each(["linf", "l2", "l1"] as const)("a linear function on a ball: %s", async (norm) => {
    const [c, w, epsilon] = [[0.5, 0.4, 0.6], [3, -2, 0.5], 0.1];
    const dual = { linf: 5.5, l2: Math.hypot(...w), l1: 3 }[norm];
    const centre = 3 * 0.5 - 2 * 0.4 + 0.5 * 0.6;
    const f = (x: Value) => g.matmul(x, column(...w));
    const [bound] = await boundsOf(lifted(f), ballAround(norm, c, epsilon, [0, 1]));
    const least = centre - epsilon * dual;
    const most = centre + epsilon * dual;
    expect(bound[0]).toBeLessThanOrEqual(least + 1e-15);
    expect(bound[0]).toBeGreaterThan(least - 2e-5);
    expect(bound[1]).toBeGreaterThanOrEqual(most - 1e-15);
    expect(bound[1]).toBeLessThan(most + 2e-5);
  });
});

describe("bounds count the rounding of", () => {
  /** Contains the exact number, which doubles without it would miss. */
  const expectInside = ([low, high]: readonly [number, number], exact: number) => {
    expect(low).toBeLessThanOrEqual(exact);
    expect(high).toBeGreaterThanOrEqual(exact);
  };

  it("products of float32 coefficients with weights: 8193·8191 − 2²⁶ is −1", async () => {
    const image = (x: Value) => g.reshape(x, [1, 1, 1, 1]);
    const up = g.constant(tensor([2, 1, 1, 1], [8191, 1]));
    const down = g.constant(tensor([1, 2, 1, 1], [8193, -(2 ** 26)]));
    const f = (x: Value) => g.reshape(g.conv(g.conv(image(x), up), down), [1, 1]);
    expectInside((await boundsOf(f, box([1, 1])))[0], -1);
  });

  it("products of doubles with weights: 2⁶⁰ + 1 − 2⁶⁰ is 1", async () => {
    const f = (x: Value) =>
      g.matmul(g.matmul(x, matrix(1, 2 ** 60, 1, -(2 ** 60))), column(1, 1, 1));
    expectInside((await boundsOf(f, box([1, 1])))[0], 1);
  });

  it("scales and biases: (x·2⁶⁰ + 1) − x·2⁶⁰", async () => {
    const f = (x: Value) => {
      const large = times(x, 2 ** 60);
      return g.sub(g.add(large, g.scalarLike(x, 1)), large);
    };
    expectInside((await boundsOf(f, box([1, 1])))[0], 1);
  });

  it("the addition of coefficients where a value has several readers", async () => {
    const f = inFloat32((x) => g.add(g.add(x, x), x));
    const coefficients = Array.from({ length: 32 }, (_, k) => 1 + k * 2 ** -23);
    const rows = coefficients.map((c): SparseRow => [[0, c]] as SparseRow);
    const bounds = await boundsOf(f, box([1, 1]), rows);
    for (const [k, c] of coefficients.entries()) expectInside(bounds[k], 3 * c);
  });

  it("coefficients that are no float32", async () => {
    const rows: SparseRow[] = [[[0, 1 + 2 ** -30]], [[0, 1 - 2 ** -30]]];
    const bounds = await boundsOf(
      inFloat32((x) => g.reshape(x, [1, 1])),
      box([1, 1]),
      rows,
    );
    expectInside(bounds[0], 1 + 2 ** -30);
    expectInside(bounds[1], 1 - 2 ** -30);
  });

  it("the last sum over the inputs: 2⁶⁰ + 1 − 2⁶⁰ is 1", async () => {
    const rows: SparseRow[] = [
      [
        [0, 2 ** 60],
        [1, 1],
        [2, -(2 ** 60)],
      ],
    ];
    const f = (x: Value) => g.neg(g.neg(x));
    const [bound] = await boundsOf(f, box([1, 1], [1, 1], [1, 1]), rows);
    expectInside(bound, 1);
    const ball = ballAround("l2", [1, 1, 1], 0, [0, 1]);
    expectInside((await boundsOf(f, ball, rows))[0], 1);
  });

  it("the slopes of a relaxation: c·relu(x) reaches c·u at u", async () => {
    for (const [low, high] of [
      [-1, 2],
      [-3, 4],
      [-0.7, 0.3],
    ] as const) {
      const coefficients = Array.from({ length: 64 }, (_, k) => 1 + (3 * k + 1) * 2 ** -23);
      const rows = coefficients.map((c) => [[0, c]] as SparseRow);
      const bounds = await boundsOf(inFloat32(g.relu), box([low, high]), rows);
      for (const [k, c] of coefficients.entries())
        expect(bounds[k][1]).toBeGreaterThanOrEqual(c * high);
    }
  });

  it("weights that are computed: 1/3 of a sum", async () => {
    const f = (x: Value) => times(g.sum(x, [1], true), 1 / 3);
    const exact = (3 * 0.7) / 3;
    const [bound] = await boundsOf(f, box([0.7, 0.7], [0.7, 0.7], [0.7, 0.7]));
    expectInside(bound, exact);
  });
});
