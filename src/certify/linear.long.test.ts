// Long: draws noise for images of 3,072 numbers: 1,000 times per certificate, or 100,000 times with SLOW=1.
import { describe, expect, it } from "vitest";
import { fillBits, fold, keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { certify } from "./certify.ts";
import { predict } from "./predict.ts";
import type { SmoothedClassifier } from "./smoothed.ts";
import type { BaseClassifier } from "./votes.ts";

const slow = process.env.SLOW === "1";
const n = slow ? 100_000 : 1000;
/** How far a tight bound may be below the exact radius: 3.1 standard errors of the share, and those of its draws. */
const slack = slow ? 0.025 : 0.3;

const d = 3072;
const words = new Uint32Array(2 * d);
fillBits(keyOf(77), words);
const image = Float32Array.from({ length: d }, (_, i) => (60 + (words[i] % 136)) / 255);

const weights = {
  "one non-zero weight": Float64Array.from({ length: d }, (_, i) => (i === 5 ? 1 : 0)),
  "equal weights of random sign": Float64Array.from({ length: d }, (_, i) =>
    words[d + i] % 2 ? 1 : -1,
  ),
  "uniform weights": Float64Array.from({ length: d }, (_, i) => words[d + i] / 2 ** 31 - 1),
} as const;
type Weights = keyof typeof weights;

function product(w: Float64Array, x: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < d; i++) sum += w[i] * x[i];
  return sum;
}

/** Logits 0 and w·x − b. */
const linear = (w: Float64Array, b: number): BaseClassifier => ({
  async logits(x) {
    const logits = new Float32Array(2 * x.shape[0]);
    for (let i = 0; i < x.shape[0]; i++)
      logits[2 * i + 1] = product(w, x.data.subarray(i * d, (i + 1) * d)) - b;
    return tensor([x.shape[0], 2], logits);
  },
});

const smoothed = (network: BaseClassifier, noise: string): SmoothedClassifier => ({
  network,
  shape: [3, 32, 32],
  classes: 2,
  noise,
  sampling: noise.startsWith("exp-linf") ? "naive" : "sound",
  batch: 100,
});

/** The standard deviation of one pixel's noise. */
const deviations: Readonly<Record<string, number>> = {
  "normal:0.25": 0.25,
  "laplace:0.2": 0.2 * Math.SQRT2,
  "uniform:0.2": 0.2 / Math.sqrt(3),
  "conv:0.25:0.2": Math.hypot(0.25, 0.2 / Math.sqrt(3)),
  "mix:0.25:0.2": Math.sqrt((0.25 ** 2 + 0.2 ** 2 / 3) / 2),
  "mix-image:0.25:0.2": Math.sqrt((0.25 ** 2 + 0.2 ** 2 / 3) / 2),
  "exp-linf:0.0001": (0.0001 * d) / Math.sqrt(3),
};

/** Where the bound is tight, and in which norm. */
const tight = (noise: string, kind: Weights): "l2" | "l1" | null => {
  if (noise.startsWith("normal")) return "l2";
  return kind === "one non-zero weight" && /^(laplace|uniform)/.test(noise) ? "l1" : null;
};

describe.each(Object.keys(deviations))("%s in 3,072 dimensions", (noise) => {
  it.each(Object.keys(weights) as Weights[])(
    "is never above the exact radius: %s",
    { timeout: 3_600_000 },
    async (kind) => {
      const w = weights[kind];
      const length = Math.sqrt(w.reduce((sum, value) => sum + value * value, 0));
      // Between two values of w·x on the grid, so that no draw ties; p is between 0.8 and 0.95.
      const margin = 1.2 * deviations[noise] * length + 1e-4;
      const model = smoothed(linear(w, product(w, image) - margin), noise);
      const { prediction, radius } = await certify(model, image, keyOf(3), {
        n0: 100,
        n,
        alpha: 0.001,
      });
      expect(prediction).toBe(1);
      // The noise is symmetric, so the class changes at the plane itself.
      const exact = {
        l2: margin / length,
        l1: margin / w.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
        linf: margin / w.reduce((sum, value) => sum + Math.abs(value), 0),
      };
      for (const norm of ["l2", "l1", "linf"] as const)
        expect(radius[norm]).toBeLessThan(exact[norm]);
      const norm = tight(noise, kind);
      if (norm !== null) expect(radius[norm]).toBeGreaterThan((1 - slack) * exact[norm]);
    },
  );
});

it("splitting:0.2 in 3,072 dimensions is within one level of the exact radius, with one non-zero weight", async () => {
  const model = smoothed(linear(weights["one non-zero weight"], 0.501), "splitting:0.2");
  const bright = Float32Array.from(image, (value, i) => (i === 5 ? 160 / 255 : value));
  const options = { n0: 1, n: 2, alpha: 0.001 };
  const { prediction, radius } = await certify(model, bright, keyOf(1), options);
  expect(prediction).toBe(1);
  let level = 160;
  const classAt = (value: number) =>
    predict(
      model,
      Float32Array.from(bright, (one, i) => (i === 5 ? value / 255 : one)),
      keyOf(fold(keyOf(1), value)[0]),
      options,
    );
  while ((await classAt(level)).prediction === 1) level--;
  expect(radius.l1).toBeLessThan((160 - level) / 255);
  expect(radius.l1).toBeGreaterThanOrEqual((160 - level - 1) / 255);
});
