// The published counterexample: a radius of 1.26 around an image, and one of another class at a distance of 0.8. Rounding makes naive certificates wrong (Voráček & Hein 2022, arXiv:2207.07209): a classifier that sees in the last bits
// whether an image was added to the noise answers one class around that image, and another one nearby.
import { expect, it } from "vitest";
import { isSlow } from "../../test/fixtures/slow.ts";
import { keyOf } from "../math/random.ts";
import { normalCdf } from "../math/special.ts";
import { tensor } from "../math/tensor.ts";
import { certify } from "./certify.ts";
import { predict } from "./predict.ts";
import type { SmoothedClassifier } from "./smoothed.ts";

const sigma = 0.331;
const base = Math.fround(204 / 255);

/** Whether z can be the float32 sum of `base` and a float32 number. */
const isSum = (z: number): boolean => Math.fround(Math.fround(z - base) + base) === z;

const smoothed = (sampling: "sound" | "naive"): SmoothedClassifier => ({
  network: {
    logits: async (x) =>
      tensor(
        [x.shape[0], 2],
        [...x.data].flatMap((z) => (isSum(z) ? [0, 1] : [1, 0])),
      ),
  },
  shape: [1, 1, 1],
  classes: 2,
  noise: `normal:${sigma}`,
  sampling,
  batch: 1000,
});

const options = { n0: 100, n: 100_000, alpha: 0.001 };
const black = Float32Array.of(0);

it("naive sampling certifies 1.26 although there is an image of another class at a distance of 0.8", async () => {
  const naive = smoothed("naive");
  const found = await certify(naive, Float32Array.of(base), keyOf(1), options);
  expect(found.prediction).toBe(1);
  expect(found.radius.l2).toBeGreaterThan(1.26);
  expect((await predict(naive, black, keyOf(2), options)).prediction).toBe(0);
});

/** The exact probability of class 1 of the smoothed classifier at a level of the grid. */
function probabilityAt(level: number): number {
  const below = (step: number) => normalCdf((step + 0.5) / 255 / sigma);
  let sum = 0;
  for (let step = -600; step <= 600; step++)
    if (isSum(Math.fround((level + step) / 255))) sum += below(step) - below(step - 1);
  return sum;
}

it("sound sampling never certifies a radius that holds an image of another class", async () => {
  const classes = Array.from({ length: 256 }, (_, level) => (probabilityAt(level) > 0.5 ? 1 : 0));
  for (const level of isSlow ? [0, 60, 128, 204, 255] : [60, 204]) {
    const image = Float32Array.of(level / 255);
    const { prediction, radius } = await certify(smoothed("sound"), image, keyOf(level), {
      n0: 100,
      n: 20_000,
      alpha: 0.001,
    });
    if (prediction === null) continue;
    const inside = classes.filter((_, other) => Math.abs(other - level) / 255 <= radius.l2);
    expect(new Set(inside)).toEqual(new Set([prediction]));
  }
});
