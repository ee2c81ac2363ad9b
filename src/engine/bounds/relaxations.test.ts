import { describe, expect, it } from "vitest";
import { normal, uniform } from "../../math/distributions.ts";
import { fold, keyOf } from "../../math/random.ts";
import { type ElementaryOp, elementary, isElementary, valuesOn } from "./elementary.ts";
import { linesOf, reluLines } from "./relaxations.ts";
import type { FloatType } from "./rounding.ts";
import type { StepOp } from "./step-lines.ts";

const slow = process.env.SLOW !== undefined;
const WIDTHS = [1e-7, 1e-5, 1e-3, 0.1, 1, 10, 100, 1e3];

/** Intervals of a width around random centres near the kink, and some that end or begin at it. */
function intervals(width: number, seed: number, domain: number): (readonly [number, number])[] {
  const key = fold(keyOf(seed), Math.round(1e6 * Math.log10(width) + 1e8));
  const centres = normal([key], [1, slow ? 40 : 6]).data;
  const near = Array.from(centres, (c) => {
    const middle = domain === 0 ? width * (0.5 + Math.abs(c)) + 1e-3 : c * Math.max(1, width);
    return [middle - width / 2, middle + width / 2] as const;
  });
  const first = Math.max(domain, 0);
  return [...near, [first + (domain === 0 ? 1e-3 : 0), first + 1e-3 + width]];
}

type Known = ElementaryOp | StepOp | "Relu";

const truth: Record<Known, (x: number) => number> = {
  Relu: (x) => Math.max(0, x),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Tanh: Math.tanh,
  Exp: Math.exp,
  Log: Math.log,
  Sqrt: Math.sqrt,
  Erf: elementary.Erf.f,
  Atan: Math.atan,
  Sin: Math.sin,
  Cos: Math.cos,
  Sign: Math.sign,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Round: Math.round,
};

type Points = readonly (readonly [number, number])[];
const points = (x: number, y: number, x2: number, y2: number): Points => [
  [x, y],
  [x2, y2],
];

describe("the lines of a relaxation enclose the function", () => {
  const types: FloatType[] = ["float32", "float64"];
  const ops = Object.keys(truth) as Known[];
  it.each(ops.flatMap((op) => types.map((type) => ({ op, type }))))("$op in $type", (one) => {
    const { op, type } = one;
    const domain = isElementary(op) ? elementary[op].domain : Number.NEGATIVE_INFINITY;
    for (const [seed, width] of WIDTHS.entries()) {
      if (op === "Exp" && width > 100) continue;
      for (const [low, high] of intervals(width, seed, domain)) {
        const { lower, upper } = linesOf(op, [[low, high]], type);
        if (type === "float32") expect(Math.fround(lower.slopes[0])).toBe(lower.slopes[0]);
        const parts = uniform([keyOf(seed)], [1, slow ? 2000 : 60]).data;
        for (const part of [0, 1, -low / (high - low), ...parts]) {
          const x = Math.min(high, Math.max(low, low + part * (high - low)));
          const y = truth[op](x);
          const slack =
            1e-15 *
            (Math.abs(y) + Math.abs(lower.slopes[0] * x) + Math.abs(upper.slopes[0] * x) + 1e-300);
          const [below, above] = [lower, upper].map((l) => l.slopes[0] * x + l.intercept);
          if (!(below <= y + slack && above >= y - slack))
            expect({ low, high, x, y, below, above }).toBeUndefined();
        }
      }
    }
  });

  it.each<{ op: StepOp; low: number; high: number; below: Points; above: Points }>([
    // One jump: the edges of the convex hull around the centre.
    { op: "Floor", low: 0.2, high: 1.1, below: [[0.5, 0]], above: points(0.2, 0, 1, 1) },
    { op: "Round", low: 0, high: 0.9, below: [[0, 0]], above: points(0, 0, 0.5, 1) },
    { op: "Round", low: -0.9, high: 0, below: points(-0.5, -1, 0, 0), above: [[0, 0]] },
    { op: "Ceil", low: -0.1, high: 0.8, below: points(0, 0, 0.8, 1), above: [[0.5, 1]] },
    { op: "Sign", low: -1, high: 3, below: points(0, -1, 3, 1), above: [[1, 1]] },
    { op: "Sign", low: 0, high: 2, below: points(0, 0, 2, 1), above: [[1, 1]] },
    // Many jumps: x and a constant.
    { op: "Floor", low: 0, high: 4, below: points(1, 0, 4, 3), above: points(0, 0, 4, 4) },
    { op: "Round", low: -1e3, high: 1e3, below: [[0.5, 0]], above: [[0.5, 1]] },
    { op: "Round", low: -2.2, high: -1.8, below: [[-2, -2]], above: [[-2, -2]] },
  ])("of $op on [$low, $high] with no room between", ({ op, low, high, below, above }) => {
    const { lower, upper } = linesOf(op, [[low, high]], "float64");
    for (const [x, y] of below) expect(lower.slopes[0] * x + lower.intercept).toBeCloseTo(y, 12);
    for (const [x, y] of above) expect(upper.slopes[0] * x + upper.intercept).toBeCloseTo(y, 12);
  });

  it("of a step function on both sides of a jump, and where nothing is known", () => {
    // Two neighbours may round to either side of 0.5.
    for (const [low, high] of [
      [0.5, 0.5],
      [0.5 - 2 ** -54, 0.5],
      [0.5 - 1e-7, 0.5 + 1e-7],
    ]) {
      const { lower, upper } = linesOf("Round", [[low, high]], "float32");
      expect(lower.slopes[0] * low + lower.intercept).toBeLessThanOrEqual(0);
      expect(upper.slopes[0] * high + upper.intercept).toBeGreaterThanOrEqual(1);
    }
    const { lower, upper } = linesOf("Floor", [[Number.NEGATIVE_INFINITY, 3]], "float32");
    expect([lower, upper]).toEqual([
      { slopes: [1], intercept: -1 },
      { slopes: [1], intercept: 0 },
    ]);
  });

  it("of a product, over random rectangles", () => {
    for (const [seed, width] of WIDTHS.entries()) {
      const c = normal([fold(keyOf(seed), 7)], [1, 40]).data;
      for (let i = 0; i + 3 < c.length; i += 4) {
        const ranges = [0, 1].map(
          (k) => [c[i + k], c[i + k] + width * Math.abs(c[i + k + 2])] as const,
        );
        const { lower, upper } = linesOf("Mul", ranges, "float32");
        for (const a of [0, 0.3, 1])
          for (const b of [0, 0.6, 1]) {
            const [x, y] = ranges.map(([low, high], k) =>
              Math.min(high, low + [a, b][k] * (high - low)),
            );
            const at = (l: typeof lower) => l.slopes[0] * x + l.slopes[1] * y + l.intercept;
            const slack =
              1e-14 * (Math.abs(x * y) + Math.abs(lower.intercept) + Math.abs(upper.intercept));
            expect(at(lower)).toBeLessThanOrEqual(x * y + slack);
            expect(at(upper)).toBeGreaterThanOrEqual(x * y - slack);
          }
      }
    }
  });

  it("of a stable ReLU exactly", () => {
    expect(reluLines(0, 3, "float32")).toEqual(reluLines(1e-7, 1e3, "float32"));
    expect(reluLines(-3, 0, "float32").upper).toEqual({ slopes: [0], intercept: 0 });
  });

  it("of an S-shaped function tightly: sigmoid on [-2, 2] within 0.07 at the centre", () => {
    const { lower, upper } = linesOf("Sigmoid", [[-2, 2]], "float64");
    expect(upper.intercept - lower.intercept).toBeLessThan(0.14);
    const concave = linesOf("Tanh", [[0.5, 1.5]], "float64");
    const secant = Math.tanh(1.5) - Math.tanh(0.5);
    expect(concave.lower.slopes[0]).toBeCloseTo(secant, 3);
    const tangent = 1 - Math.tanh(1) ** 2;
    expect(concave.upper.slopes[0] - tangent).toBeLessThan(0.03);
  });

  it.each([-700, -709.5, -710, -730, -744, -745.1])(
    "of a Sigmoid hold at %f, where e^−x may overflow",
    (x) => {
      // 1/(1 + e⁻ˣ) = eˣ/(1 + eˣ) is eˣ here, to the last digit.
      const [low, high] = valuesOn(elementary.Sigmoid, x, x);
      expect(low).toBeLessThanOrEqual(Math.exp(x));
      expect(high).toBeGreaterThanOrEqual(Math.exp(x));
      const { lower, upper } = linesOf("Sigmoid", [[x, x + 0.5]], "float64");
      expect(lower.slopes[0] * x + lower.intercept).toBeLessThanOrEqual(Math.exp(x));
      expect(upper.slopes[0] * (x + 0.5) + upper.intercept).toBeGreaterThanOrEqual(
        Math.exp(x + 0.5),
      );
    },
  );
});
