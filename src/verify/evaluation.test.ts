import { afterAll, describe, expect, it } from "vitest";
import { exactAt, inDoubles } from "../../test/fixtures/in-doubles.ts";
import { Crown, type SparseRow } from "../engine/bounds/crown.ts";
import { ballAround, type InputRegion } from "../engine/bounds/region.ts";
import * as g from "../engine/graph/expressions.ts";
import { topological, type Value } from "../engine/graph/value.ts";
import { lowerBlocked } from "../engine/lowering/blocked/blocked.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { elementCount, type Shape, tensor } from "../math/tensor.ts";
import { evaluationOf } from "./evaluation.ts";

const plain: Promise<Runtime> = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const listed = (...values: number[]): Value => g.constant(tensor([values.length], values));
const columnOf = (...values: number[]): Value => g.constant(tensor([values.length, 1], values));

/** A product of constants that float32 rounds. */
const rounded = (): Value =>
  g.mul(g.constant(tensor([1, 1], [0.1])), g.constant(tensor([1, 1], [0.3])));

const identity = (outputs: number): SparseRow[] =>
  Array.from({ length: outputs }, (_, i) => [[[i, 1]], [[i, -1]]] as SparseRow[]).flat();

/** Bounds [lower, upper] of every output that hold for evaluations on a runtime. */
async function evaluated(
  runtime: Runtime,
  x: Value,
  y: Value,
  region: InputRegion,
): Promise<(readonly [number, number])[]> {
  const crown = new Crown((await plain).compile, x, y);
  opened.push(crown);
  const state = await crown.analyse(region, { evaluation: evaluationOf(runtime.target) });
  const count = elementCount(y.shape);
  const bounds = await crown.lowerBounds(state, crown.plan.output, identity(count));
  return Array.from({ length: count }, (_, i) => [bounds[2 * i], -bounds[2 * i + 1]] as const);
}

/** Networks that float32 evaluates to 0 where real arithmetic gives 1, or could in another order. */
const lost: { readonly name: string; readonly shape: Shape; readonly f: (x: Value) => Value }[] = [
  {
    name: "two additions",
    shape: [1],
    f: (x) => g.sub(g.add(x, g.scalar(2 ** 30)), g.scalar(2 ** 30)),
  },
  { name: "a matrix product", shape: [3], f: (x) => g.matmul(x, columnOf(2 ** 30, 1, -(2 ** 30))) },
  {
    name: "a convolution",
    shape: [1, 1, 3],
    f: (x) => g.conv(x, g.constant(tensor([1, 1, 1, 3], [2 ** 30, 1, -(2 ** 30)]))),
  },
  { name: "a sum", shape: [3], f: (x) => g.sum(g.mul(x, listed(2 ** 30, 1, -(2 ** 30))), [1]) },
  {
    name: "a residual behind a bias",
    shape: [1],
    f: (x) =>
      g.add(g.add(g.matmul(x, columnOf(2 ** 30)), g.scalar(1)), g.mul(x, g.scalar(-(2 ** 30)))),
  },
  {
    name: "a constant",
    shape: [1],
    f: (x) => g.mul(x, g.sub(g.add(g.scalar(2 ** 30), g.scalar(1)), g.scalar(2 ** 30))),
  },
  {
    name: "a product of two matrices",
    shape: [3],
    f: (x) => g.matmul(g.mul(x, listed(2 ** 30, 1, -(2 ** 30))), g.reshape(x, [3, 1])),
  },
  {
    name: "a sum before a jump",
    shape: [1],
    f: (x) => g.floor(g.sub(g.add(x, g.scalar(2 ** 30)), g.scalar(2 ** 30))),
  },
  {
    name: "a product",
    shape: [1],
    f: (x) =>
      g.sub(
        g.mul(g.add(x, g.scalar(2 ** 15)), g.add(x, g.scalar(2 ** 15))),
        g.scalar(2 ** 30 + 2 ** 16),
      ),
  },
];

describe("bounds of evaluations contain 0 and 1 where sums lose a 1 in", () => {
  it.each(lost)("$name", async ({ shape, f }) => {
    const x = g.input("x", [1, ...shape]);
    const y = f(x);
    const ones = new Float32Array(elementCount(shape)).fill(1);
    expect(exactAt(inDoubles(y), [1, ...shape], ones)).toEqual([1]);
    const [[low, high]] = await evaluated(await plain, x, y, ballAround("linf", ones, 0, [0, 1]));
    expect(low).toBeLessThanOrEqual(0);
    expect(high).toBeGreaterThanOrEqual(1);
  });

  it("a sum that begins with its bias: 4096 times 0.5 are lost in 2²⁴, one by one", async () => {
    const x = g.input("x", [1, 4096]);
    const halves = g.constant(tensor([4096, 1], new Float32Array(4096).fill(0.5)));
    const y = g.add(g.matmul(x, halves), g.scalar(2 ** 24));
    const ones = new Float32Array(4096).fill(1);
    const [[low]] = await evaluated(await plain, x, y, ballAround("linf", ones, 0, [0, 1]));
    expect(low).toBeLessThanOrEqual(2 ** 24);
  });

  it("a sum that another is added to, product by product", async () => {
    // 1 + 64 products just below half a unit in the last place of 1, and then as many of a second sum: all may be lost.
    const tiny = 2 ** -24 * (1 - 2 ** -20);
    const x = g.input("x", [1, 64]);
    const column = (first: number) =>
      g.constant(
        tensor(
          [64, 1],
          Array.from({ length: 64 }, (_, i) => (i === 0 ? first : tiny)),
        ),
      );
    const y = g.add(g.matmul(x, column(1)), g.matmul(x, column(tiny)));
    const ones = new Float32Array(64).fill(1);
    const [[low]] = await evaluated(await plain, x, y, ballAround("linf", ones, 0, [0, 1]));
    expect(low).toBeLessThanOrEqual(1);
  });

  it("denormal numbers, which may count as 0", async () => {
    const x = g.input("x", [1, 1]);
    const y = g.matmul(x, columnOf(2 ** 100));
    const [[low, high]] = await evaluated(
      await plain,
      x,
      y,
      ballAround("linf", [2 ** -130], 0, [0, 1]),
    );
    expect(low).toBeLessThanOrEqual(0);
    expect(high).toBeGreaterThanOrEqual(2 ** -30);
  });

  it.each([
    ["a maximum", (x: Value) => g.maximum(x, rounded())],
    ["a bound of Clip", (x: Value) => g.clip(x, 0, 0.1)],
  ])("a constant that float32 rounds, in %s: refused", async (_, f) => {
    const x = g.input("x", [1, 1]);
    const box = ballAround("linf", [0.5], 0.1, [0, 1]);
    await expect(evaluated(await plain, x, f(x), box)).rejects.toMatchObject({ code: "misfit" });
  });

  it("a constant that float32 rounds, behind a concatenation", async () => {
    const x = g.input("x", [1, 1]);
    const y = g.concat([x, rounded()], 1);
    const exact = Math.fround(0.1) * Math.fround(0.3);
    const [, [low, high]] = await evaluated(
      await plain,
      x,
      y,
      ballAround("linf", [0.5], 0, [0, 1]),
    );
    expect(low).toBeLessThanOrEqual(Math.min(exact, Math.fround(exact)));
    expect(high).toBeGreaterThanOrEqual(Math.max(exact, Math.fround(exact)));
    expect(Math.fround(exact)).not.toBe(exact);
  });

  it("a kernel that overflows: nothing is known above", async () => {
    const x = g.input("x", [1, 1]);
    const y = g.exp(g.mul(x, g.constant(tensor([1, 1], [100]))));
    const [[, high]] = await evaluated(await plain, x, y, ballAround("linf", [1], 0, [0, 1]));
    expect(high).toBe(Number.POSITIVE_INFINITY);
  });

  it("the kernel of a Softmax", async () => {
    const x = g.input("x", [1, 2]);
    const half = ballAround("linf", [0.3, 0.3], 0, [0, 1]);
    for (const [low, high] of await evaluated(await plain, x, g.softmax(x), half)) {
      expect(low).toBeLessThanOrEqual(0.5 - 2 ** -20);
      expect(high).toBeGreaterThanOrEqual(0.5 + 2 ** -20);
      expect(high - low).toBeLessThan(2 ** -17);
    }
  });

  it.each<[string, (x: Value) => Value]>([
    ["alone", (x) => g.matmul(x, columnOf(3e38, -3e38))],
    ["before a small factor", (x) => g.mul(g.matmul(x, columnOf(3e38, 3e38)), g.scalar(1e-30))],
    ["before a factor of 0", (x) => g.mul(g.matmul(x, columnOf(3e38, 3e38)), g.scalar(0))],
    ["behind a small factor", (x) => g.matmul(g.mul(x, g.scalar(1e-30)), columnOf(3e38, 3e38))],
    [
      "in the product of two factors before a small one",
      (x) =>
        g.matmul(
          g.mul(g.mul(g.mul(x, g.scalar(1e-30)), g.scalar(1e25)), g.scalar(1e25)),
          columnOf(1, 1),
        ),
    ],
    [
      "in a bias before a small factor",
      (x) => g.mul(g.add(g.matmul(x, columnOf(3e38, 0)), g.scalar(3e38)), g.scalar(1e-30)),
    ],
  ])("numbers that overflow, %s: nothing is known", async (_, f) => {
    const x = g.input("x", [1, 2]);
    const box = ballAround("linf", [1, 1], 0, [0, 1]);
    const [[low]] = await evaluated(await plain, x, f(x), box);
    expect(low).toBe(Number.NEGATIVE_INFINITY);
  });

  it("a product of two factors that underflows before a large one", async () => {
    const x = g.input("x", [1, 2]);
    const small = g.scalar(1e-20);
    const large = g.relu(g.mul(x, g.scalar(1e8)));
    const product = g.matmul(g.mul(large, small), columnOf(1e27, 1e27));
    const y = g.mul(g.mul(product, small), g.scalar(1e5));
    const box = ballAround("linf", [1, 1], 0, [0, 1]);
    const [[low, high]] = await evaluated(await plain, x, y, box);
    expect(low).toBeLessThanOrEqual(0);
    expect(high).toBeGreaterThanOrEqual(2);
  });
});

describe("evaluations", () => {
  it("use Winograd where the lowering does", () => {
    const conv = { into: 64, out: 64, height: 8, width: 8 };
    const uses = (lowering: string) =>
      evaluationOf({ device: "cpu", threads: 1, lowering, engine: "" }).winograd(conv);
    expect(["plain", "blocked-16", "blocked-16-w64-64"].map(uses)).toEqual([false, false, true]);
  });

  it.each([
    [112, false],
    [113, true],
    [127, true],
    [128, true],
  ])(
    "of %d channels use Winograd where the lowering does once it has whole blocks",
    (channels, winograd) => {
      const runtime = { device: "cpu", threads: 1, lowering: "blocked-16", engine: "" } as const;
      const conv = { into: channels, out: channels, height: 8, width: 8 };
      expect(evaluationOf(runtime).winograd(conv)).toBe(winograd);
      const [x, w] = [g.input("x", [1, channels, 8, 8]), g.input("w", [channels, channels, 3, 3])];
      const geometry = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };
      const lowered = lowerBlocked({ y: g.conv(x, w, geometry) }, 16, {
        images: 128,
        weights: 256,
      });
      const direct = topological(Object.values(lowered)).filter(({ op }) => op === "NchwcConv");
      expect(direct.length === 1).toBe(!winograd);
    },
  );

  it("of GPUs have no bound", () => {
    expect(() =>
      evaluationOf({ device: "cuda", threads: 1, lowering: "plain", engine: "" }),
    ).toThrow("--device cpu");
  });
});
