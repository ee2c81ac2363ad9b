// Lines against 80-bit arithmetic in numpy: 10⁵ points per operator and type with SLOW=1, otherwise some thousands.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { uniform } from "../../math/distributions.ts";
import { fold, keyOf } from "../../math/random.ts";
import type { Op } from "../graph/value.ts";
import { linesOf } from "./relaxations.ts";
import type { FloatType } from "./rounding.ts";

const PYTHON = "/usr/bin/python3";
const there = spawnSync(PYTHON, ["-c", "import numpy"]).status === 0;
if (!there) console.log(`skipped: no numpy in ${PYTHON}`);

const isSlow = process.env.SLOW === "1";
const [boxes, points] = isSlow ? [600, 100] : [60, 10];
const smooth: Op[] = ["Sigmoid", "Tanh", "Exp", "Log", "Sqrt", "Erf", "Atan", "Sin", "Cos"];
const ops: Op[] = ["Relu", ...smooth, "Sign", "Floor", "Ceil", "Round"];
type Range = readonly [number, number];

/** Interval `i` of an operator: widths from 1e-7 to 1e3; around 0, from or up to 0, near 0, of size 1, and far away. */
function rangeOf(op: Op, i: number, seed: number): Range {
  const [a, b, c] = uniform([fold(keyOf(seed), i)], [1, 3]).data;
  const width = 10 ** (-7 + 10 * a);
  const starts = [
    -width * b,
    0,
    -width,
    b * 1e-3 * width,
    (b - 0.5) * 8,
    (b - 0.5) * 10 ** (6 * c),
    -width / 2,
    -width * (1 - 1e-9 * b),
    -1e-9 * b * width,
  ];
  const start = starts[i % starts.length];
  if (op === "Log" || op === "Sqrt") {
    const low = Math.abs(start) + (op === "Log" ? 1e-6 * b : 0);
    return [low, low + width];
  }
  // e⁷⁰⁹ is the largest number.
  if (op === "Exp" && start + width > 700) return [start - width, Math.min(start, 700)];
  return [start, start + width];
}

const cases = (["float32", "float64"] as const).flatMap((type: FloatType) =>
  [...ops, "Mul" as const].map((op) => ({ op, type })),
);

describe.skipIf(!there)("no point of a box lies outside the lines of", () => {
  it.each(cases)(
    "$op in $type",
    ({ op, type }) => {
      const made = Array.from({ length: boxes }, (_, i) => {
        const ranges =
          op === "Mul" ? [rangeOf(op, i, 1), rangeOf(op, i * 7 + 3, 2)] : [rangeOf(op, i, 3)];
        return { op, ranges, ...linesOf(op, ranges, type) };
      });
      const input = JSON.stringify({ boxes: made, points, seed: 1 });
      const script = join(import.meta.dirname, "../../../test/fixtures/relaxations.py");
      const { stdout, stderr } = spawnSync(PYTHON, [script], { input, maxBuffer: 2 ** 28 });
      expect(String(stderr)).toBe("");
      const { tried, count, violations } = JSON.parse(String(stdout));
      expect(tried).toBeGreaterThanOrEqual(isSlow && op !== "Mul" ? 100_000 : 600);
      expect({ count, violations }).toEqual({ count: 0, violations: [] });
    },
    300_000,
  );
});
