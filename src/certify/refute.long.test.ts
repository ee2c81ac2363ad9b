import { describe, expect, it } from "vitest";
import { fold, keyOf } from "../math/random.ts";
import { normalCdf } from "../math/special.ts";
import { tensor } from "../math/tensor.ts";
import { noisyPoint } from "./noisy-point.ts";
import { mostRefuting, refute } from "./refute.ts";
import type { SmoothedClassifier } from "./smoothed.ts";
import type { BaseClassifier } from "./votes.ts";

/** Class 1 where the only pixel is above a threshold. */
const above = (threshold: number): BaseClassifier => ({
  async logits(x) {
    return tensor([x.shape[0], 2], Array.from(x.data, (pixel) => [0, pixel - threshold]).flat());
  },
});

const smoothed = (network: BaseClassifier, noise = "normal:0.25"): SmoothedClassifier => ({
  network,
  shape: [1, 1, 1],
  classes: 2,
  noise,
  sampling: "sound",
  batch: 250,
});

describe("the exact binomial test", () => {
  it("rejects ½ from 10,000 draws at 1e-6 for the counts of mpmath", () => {
    // Σ C(10000, i) / 2¹⁰⁰⁰⁰ up to 4,761 is 9.172e-7, up to 4,762 1.013e-6.
    expect(mostRefuting(10_000, 0.5, 1e-6)).toBe(4761);
    // 2⁻²⁰ < 1e-6 < 21 · 2⁻²⁰.
    expect(mostRefuting(20, 0.5, 1e-6)).toBe(0);
    expect(mostRefuting(19, 0.5, 1e-6)).toBe(-1);
  });
});

describe("a certificate", () => {
  // The threshold lies between two levels, so P(round(x + η) > t) = 1 − Φ((t − x)/σ) for every real x.
  const threshold = 100.5 / 255;

  it("is refuted where the class is rare, and not where it is more frequent than not", async () => {
    for (const [distance, refuted] of [
      [0.05, true],
      [0.02, true],
      [-0.001, false],
      [-0.1, false],
    ] as const) {
      const point = Float32Array.of(threshold - distance);
      const found = await refute(smoothed(above(threshold)), point, keyOf(1), { prediction: 1 });
      expect([distance, found.refuted]).toEqual([distance, refuted]);
    }
  });

  it("stops once the rest cannot change the decision, and decides as all draws would", async () => {
    for (const [seed, shift] of [
      [1, 0.03],
      [2, -0.03],
      [3, 0.0149],
      [4, 0],
    ] as const) {
      const point = Float32Array.of(threshold - shift);
      const draws = 2000;
      const level = 0.01;
      const options = { prediction: 1, draws, level };
      const found = await refute(smoothed(above(threshold)), point, keyOf(seed), options);
      const most = mostRefuting(draws, 0.5, level);
      const all = noisyPoint("normal:0.25", [1, 1, 1]).draw(
        point,
        Array.from({ length: draws }, (_, i) => fold(fold(keyOf(seed), i), 0)),
        0,
      );
      const won = all.data.filter((pixel) => pixel > threshold).length;
      expect(found.refuted).toBe(won <= most);
      expect(found.draws).toBeLessThan(draws);
      const isDecided = found.votes > most || found.draws - found.votes >= draws - most;
      expect(isDecided).toBe(true);
    }
  });

  it("that holds is refuted at most as often as the level says", async () => {
    // p = ½ exactly: the worst certificate that holds. At level 0.05 more than 20 of 120 have probability below 1e-6.
    let refuted = 0;
    for (let seed = 0; seed < 120; seed++) {
      const options = { prediction: 1, draws: 100, level: 0.05 };
      const point = Float32Array.of(threshold);
      const found = await refute(smoothed(above(threshold)), point, keyOf(seed), options);
      refuted += Number(found.refuted);
    }
    expect(refuted).toBeLessThanOrEqual(20);
    expect(refuted).toBeGreaterThan(0);
  });

  it.each(["mix-image:0.25:0.2", "conv:0.25:0.2", "uniform:0.2", "exp-linf:0.1"])(
    "under %s is refuted beyond the threshold",
    async (noise) => {
      const base = smoothed(above(threshold), noise);
      const sampling = noise.startsWith("exp") ? "naive" : "sound";
      const at = (shift: number) =>
        refute(Object.assign(base, { sampling }), Float32Array.of(threshold + shift), keyOf(3), {
          prediction: 1,
          draws: 3000,
        });
      expect((await at(-0.06)).refuted).toBe(true);
      expect((await at(0.06)).refuted).toBe(false);
    },
  );

  it.each(["normal:0.25", "splitting:0.5"])(
    "is not refuted by batches that are lost, under %s",
    async (noise) => {
      const failing = (every: number): BaseClassifier => {
        let runs = 0;
        return {
          async logits(x, keys) {
            if (runs++ % every === 0) throw new Error("the device is gone");
            return above(-1).logits(x, keys);
          },
        };
      };
      for (const every of [1, 2])
        expect(
          await refute(smoothed(failing(every), noise), Float32Array.of(0.4), keyOf(1), {
            prediction: 1,
          }),
        ).toMatchObject({ refuted: false });
    },
  );

  it("without chance is refuted by votes that no lost draw can outweigh", async () => {
    const constant = smoothed(above(2), "splitting:0.5");
    const found = await refute(constant, Float32Array.of(0.4), keyOf(1), { prediction: 1 });
    expect(found).toMatchObject({ refuted: true, votes: 0 });
  });

  it("counts draws whose logits tie or are NaN against the class", async () => {
    const nothing: BaseClassifier = {
      logits: async (x) =>
        tensor([x.shape[0], 2], new Float32Array(2 * x.shape[0]).fill(Number.NaN)),
    };
    const found = await refute(smoothed(nothing), Float32Array.of(0.5), keyOf(1), {
      prediction: 1,
    });
    expect(found).toMatchObject({ refuted: true, votes: 0 });
  });
});

describe("a noisy copy of a point off the grid", () => {
  it.each([0.25, 0.004])(
    "is the point with continuous noise of %f, rounded to the grid",
    (sigma) => {
      // With little noise the offset from the grid decides.
      const point = Float32Array.of(0.4013, 0.77777);
      const count = 20_000;
      const keys = Array.from({ length: count }, (_, i) => fold(keyOf(7), i));
      const { data } = noisyPoint(`normal:${sigma}`, [2, 1, 1]).draw(point, keys, 0);
      for (const [pixel, x] of point.entries())
        for (let k = -9; k <= 9; k++) {
          const level = Math.round(255 * (x + (k * sigma) / 4));
          const share =
            keys.filter((_, i) => data[2 * i + pixel] * 255 <= level + 0.25).length / count;
          const exact = normalCdf(((level + 0.5) / 255 - x) / sigma);
          // Six standard deviations at 38 places: a false alarm has probability below 1e-7.
          expect(Math.abs(share - exact)).toBeLessThanOrEqual(
            6 * Math.sqrt((exact * (1 - exact)) / count) + 1e-6,
          );
        }
    },
  );

  it("needs no table for large images", () => {
    const [few, many] = [1, 40_000].map((pixels) =>
      noisyPoint("normal:0.25", [1, 1, pixels]).draw(
        new Float32Array(pixels).fill(0.3),
        [keyOf(1)],
        0,
      ),
    );
    // The first pixel of a draw has the same bits, whatever comes behind it.
    expect(many.data[0]).toBe(few.data[0]);
  });
});
