// Terms of the rounding bound one by one: small networks and numbers where nothing else makes up for a term that is left out.
import { afterAll, describe, expect, it } from "vitest";
import { compare, plus, rational, times } from "../../../test/fixtures/rational.ts";
import { type NdArray, tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import type { Value } from "../graph/value.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { BranchProgram } from "./branch-program.ts";
import { Crown, type SparseRow } from "./crown.ts";
import type { Evaluation } from "./evaluation.ts";
import type { InputRegion } from "./region.ts";
import { boundsWithKeptSlopes, optimizedBounds } from "./slopes.ts";

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

const boxOf = (lower: readonly number[], upper: readonly number[]): InputRegion => ({
  lower: Float64Array.from(lower),
  upper: Float64Array.from(upper),
});

/** A network of y, with a convolution behind it, so that walks from y are in float32 and do not meet the convolution. */
const beforeConv = (x: Value, y: Value): Crown =>
  crownOf(x, g.conv(g.reshape(y, [1, 1, 1, y.shape[1]]), g.constant(tensor([1, 1, 1, 1], [1]))));

/** y beside the output of a convolution, so that walks of rows of y are in float32 and do not meet the convolution. */
function besideConv(x: Value, y: Value): Crown {
  const image = g.reshape(x, [1, 1, 1, x.shape[1]]);
  const conv = g.conv(image, g.constant(tensor([1, 1, 1, 1], [1])));
  return crownOf(x, g.concat([y, g.reshape(conv, x.shape)], 1));
}

/** Lower bounds of rows of y, a node of the network. */
async function boundsAt(crown: Crown, y: Value, region: InputRegion, rows: readonly SparseRow[]) {
  const state = await crown.analyse(region);
  return crown.lowerBounds(state, y, rows);
}

const noAscent = { iterations: 0, untilPositive: false, stop: () => false };
/** Other walks from the output that give lower bounds of rows, in networks where y is its first part. */
const otherWalks: Readonly<Record<string, typeof boundsAt>> = {
  "with the slopes that an ascent kept": async (crown, _, region, rows) => {
    const state = await crown.analyse(region);
    await optimizedBounds(crown, state, crown.plan.output, rows, noAscent);
    return boundsWithKeptSlopes(crown, state, crown.plan.output, rows);
  },
  "of domains, with lines per row": async (crown, _, region, rows) => {
    const program = new BranchProgram(crown, await crown.analyse(region), rows);
    const domains = rows.map((__, goal) => program.root(goal, Number.POSITIVE_INFINITY));
    for (let at = 0; at < domains.length; at += program.maxRows)
      await program.bound(domains.slice(at, at + program.maxRows));
    return Float64Array.from(domains, ({ bound }) => bound);
  },
};

/** Σ coefficient · value, exactly, is at least a bound. */
function expectAtLeast(bound: number, row: SparseRow, values: readonly number[]): void {
  const exact = row
    .map(([i, c]) => times(rational(c), rational(values[i])))
    .reduce(plus, rational(0));
  expect(compare(rational(bound), exact)).toBeLessThanOrEqual(0);
}

describe("a bound counts", () => {
  it("the rounding of a row's coefficients to float32", async () => {
    const x = g.input("x", [1, 3]);
    const y = g.neg(x);
    const half = 2 ** -24;
    const rows: SparseRow[] = [-1, 1].flatMap((sign) => [
      [[0, sign * (1 + 0.999 * half)]],
      [[1, sign * (1 - 0.499 * half)]],
      [
        [0, sign * (1 + 0.999 * half)],
        [2, sign * (3 + 1.999 * half)],
      ],
    ]);
    const bounds = await boundsAt(beforeConv(x, y), y, boxOf([1, 1, 1], [1, 1, 1]), rows);
    for (const [r, row] of rows.entries()) expectAtLeast(bounds[r], row, [-1, -1, -1]);
  });

  it("the rounding of coefficients times the slopes of a relaxation", async () => {
    const x = g.input("x", [1, 1]);
    const y = g.relu(x);
    // Products of these with a slope just below 1 are rounded up and down.
    const coefficients = Array.from({ length: 64 }, (_, k) => Math.fround(1 + 0.0137 * k));
    const rows = coefficients.map((c) => [[0, -c]] as SparseRow);
    const crown = beforeConv(x, y);
    for (const high of [1, 1.25, 1.5, 1.75]) {
      const bounds = await boundsAt(crown, y, boxOf([-(2 ** -14)], [high]), rows);
      for (const [r, row] of rows.entries()) expectAtLeast(bounds[r], row, [high]);
    }
  });

  it("the rounding of a sum of intercepts in float32", async () => {
    const size = 4096;
    const x = g.input("x", [1, size]);
    const y = g.relu(x);
    // Half of each end is an intercept: 2²⁴ and 0.99, which is lost when it is added to 2²⁴.
    for (const place of [0, 1, size - 1]) {
      const high = Array.from({ length: size }, (_, i) => (i === place ? 2 ** 25 : 1.98));
      const row = high.map((_, i) => [i, -1] as const);
      const region = boxOf(
        high.map((h) => -h),
        high,
      );
      const [bound] = await boundsAt(beforeConv(x, y), y, region, [row]);
      expectAtLeast(bound, row, high);
    }
  });
});

describe("a walk in doubles", () => {
  it.each<[string, (y: Value) => Value]>([
    ["divided", (y) => g.div(y, g.constant(tensor([1], [7])))],
    ["scaled", (y) => g.mul(y, g.scalar(1 / 7))],
  ])("keeps doubles where a product of matrices is %s by one number", async (_, scaled) => {
    const x = g.input("x", [1, 2]);
    const y = scaled(g.matmul(x, g.constant(tensor([2, 1], [1.5, -1]))));
    const crown = crownOf(x, y);
    const point = boxOf([0.875, 0.75], [0.875, 0.75]);
    const rows: SparseRow[] = [[[0, 1]], [[0, -1]]];
    const [low, high] = await boundsAt(crown, crown.plan.output, point, rows);
    expect(low).toBeLessThanOrEqual(0.5625 / 7);
    expect(-high).toBeGreaterThanOrEqual(0.5625 / 7);
  });
});

describe.each(Object.entries(otherWalks))("a walk %s counts", (_, boundsOf) => {
  it("the rounding of coefficients times the slopes of a relaxation", async () => {
    const x = g.input("x", [1, 1]);
    const y = g.relu(x);
    const rows = Array.from(
      { length: 64 },
      (__, k) => [[0, -Math.fround(1 + 0.0137 * k)]] as const,
    );
    const crown = besideConv(x, y);
    for (const high of [1, 1.25, 1.5, 1.75]) {
      const bounds = await boundsOf(crown, y, boxOf([-(2 ** -14)], [high]), rows);
      for (const [r, row] of rows.entries()) expectAtLeast(bounds[r], row, [high]);
    }
  });

  it("the rounding of a sum of intercepts in float32", async () => {
    const size = 4096;
    const x = g.input("x", [1, size]);
    const y = g.relu(x);
    for (const place of [0, 1, size - 1]) {
      const high = Array.from({ length: size }, (__, i) => (i === place ? 2 ** 25 : 1.98));
      const row = high.map((__, i) => [i, -1] as const);
      const lows = high.map((h) => -h);
      const [bound] = await boundsOf(besideConv(x, y), y, boxOf(lows, high), [row]);
      expectAtLeast(bound, row, high);
    }
  });
});

/** The interval of each output of a network at one point, with the errors of an evaluation. */
async function evaluatedAt(x: Value, y: Value, point: readonly number[], evaluation: Evaluation) {
  const crown = crownOf(x, y);
  const state = await crown.analyse(boxOf(point, point), { evaluation, walks: false });
  return state.interval(crown.plan.output);
}
const direct: Evaluation = { winograd: () => false };

const f32 = Math.fround;
/** Bᵀ·d for Winograd's F(2, 3), in float32. */
const transformed = (d: readonly number[]): number[] => [
  f32(d[0] - d[2]),
  f32(d[1] + d[2]),
  f32(d[2] - d[1]),
  f32(d[1] - d[3]),
];

describe("a bound of evaluations counts", () => {
  it("what Winograd's transforms round, where the direct sum has no error", async () => {
    // The first output is 0·w₀, and Winograd's is (0 − d₂)·w₀ + (d₁ + d₂)·w₀/2 + (d₂ − d₁)·w₀/2.
    const d = [0, 1, 2 ** 24, 0];
    const [a, b, c] = transformed(d);
    const computed = f32(f32(a + b / 2) + c / 2);
    expect(computed).toBe(-0.5);
    const x = g.input("x", [1, 1, 4, 4]);
    const w = g.constant(tensor([1, 1, 3, 3], [0, 0, 0, 1, 0, 0, 0, 0, 0]));
    const y = g.conv(x, w, { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] });
    // The tile of the first output reads the pixels (0, 0) and (0, 1) as d₁ and d₂, and padding around them.
    const pixels = new Array<number>(16).fill(0);
    [pixels[0], pixels[1]] = [d[1], d[2]];
    const exact = await evaluatedAt(x, y, pixels, direct);
    const at = 0;
    expect(exact.lower[at]).toBeGreaterThan(-1e-9);
    const wide = await evaluatedAt(x, y, pixels, { winograd: () => true });
    expect(wide.lower[at]).toBeLessThanOrEqual(computed);
    expect(wide.upper[at]).toBeGreaterThanOrEqual(-computed);
  });

  it("the rounding of a conversion to float32", async () => {
    const x = g.input("x", [1, 1]);
    const value = 1 + 2 ** -25;
    const array: NdArray = { dtype: "float64", shape: [1, 1], data: Float64Array.of(value) };
    const y = g.cast(g.concat([g.cast(x, "float64"), g.constant(array)], 1), "float32");
    const { lower, upper } = await evaluatedAt(x, y, [0.5], direct);
    expect(f32(value)).toBe(1);
    expect(lower[1]).toBeLessThanOrEqual(1);
    expect(upper[1]).toBeGreaterThanOrEqual(value);
  });
});
