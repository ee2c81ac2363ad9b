import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { ce } from "../losses/ce.ts";
import { normal, permutation, uniform } from "../math/distributions.ts";
import { foldAll, keyOf, keysFor } from "../math/random.ts";
import { add, argmaxRows, rows, type Shape, sub, takeRows, tensor } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { type PgdSettings, pgd } from "./pgd.ts";
import type { PaperNorm, Victim } from "./victim.ts";

/** A linear classifier whose boundary passes through grey, images near grey, and their distances to it. */
async function linearClassifier(batch: number, pixels: Shape) {
  const d = pixels.reduce((size, n) => size * n, 1);
  const weights = normal(keysFor(keyOf(1), [0, 1]), [2, d]);
  const w = Float64Array.from({ length: d }, (_, k) => weights.data[d + k] - weights.data[k]);
  const bias = [0, 1].map((j) => -0.5 * rows(weights, j, j + 1).data.reduce((s, v) => s + v, 0));
  const indices = Array.from({ length: batch }, (_, i) => i);
  const x = uniform(keysFor(keyOf(2), indices), [batch, ...pixels], 0.4, 0.6);
  const victim = linearVictim(weights, bias);
  const keys = keysFor(keyOf(3), indices);
  const z = await victim.logits(x, keys);
  const dual = { linf: w.reduce((s, v) => s + Math.abs(v), 0), l2: Math.hypot(...w) };
  // |w·x + b| over the dual norm of w.
  const distance = (norm: PaperNorm) =>
    indices.map((i) => Math.abs(z.data[2 * i + 1] - z.data[2 * i]) / dual[norm]);
  return { victim, x, labels: argmaxRows(z), keys, distance };
}

/** The same victim behind normal noise: its gradient depends on the key. */
const noisy = (victim: Victim): Victim => ({
  logits: (x, keys) => victim.logits(add(x, normal(keys, x.shape, 0.3)), keys),
  lossAndGradient: (x, loss, keys) =>
    victim.lossAndGradient(add(x, normal(keys, x.shape, 0.3)), loss, keys),
});

const batches = [1, 2, 9].flatMap((batch) => [
  { batch, pixels: [12] },
  { batch, pixels: [3, 2, 2] },
]);

describe.each(["linf", "l2"] as const)("PGD-%s on a linear classifier", (norm) => {
  it.each(batches)("cannot flip a label inside the margin: $batch × $pixels", async (at) => {
    const { victim, x, labels, keys, distance } = await linearClassifier(at.batch, at.pixels);
    const epsilon = 0.95 * Math.min(...distance(norm));
    const adversarial = await pgd({ norm, epsilon }).perturb(victim, x, labels, keys);
    expect(argmaxRows(await victim.logits(adversarial, keys))).toEqual(labels);
  });

  it.each(batches)("flips every label just outside it: $batch × $pixels", async (at) => {
    const { victim, x, labels, keys, distance } = await linearClassifier(at.batch, at.pixels);
    const epsilon = 1.05 * Math.max(...distance(norm));
    const adversarial = await pgd({ norm, epsilon }).perturb(victim, x, labels, keys);
    expect(argmaxRows(await victim.logits(adversarial, keys))).toEqual(labels.map((y) => 1 - y));
  });

  it("stays in the ball and in the box, also from images at the edge of it", async () => {
    const { victim, labels, keys } = await linearClassifier(9, [12]);
    const { data } = uniform(keys, [9, 12], -1, 2);
    const x = tensor(
      [9, 12],
      data.map((v) => Math.min(1, Math.max(0, v))),
    );
    const adversarial = await pgd({ norm, epsilon: 0.3 }).perturb(victim, x, labels, keys);
    for (const v of adversarial.data) expect(v >= 0 && v <= 1).toBe(true);
    for (const length of balls[norm].norm(sub(adversarial, x)))
      expect(length).toBeLessThanOrEqual(0.3 + 1e-6);
  });

  it("draws by the example: batch and order change no bit, with noise and restarts", async () => {
    const { victim, x, labels, keys } = await linearClassifier(9, [12]);
    const attack = pgd({ norm, epsilon: 0.1, steps: 3, restarts: 2 });
    const together = await attack.perturb(noisy(victim), x, labels, keys);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 9 }), async (seed, size) => {
        const some = permutation(9, keyOf(seed)).slice(0, size);
        const alone = await attack.perturb(
          noisy(victim),
          takeRows(x, some),
          some.map((i) => labels[i]),
          some.map((i) => keys[i]),
        );
        expect(alone.data).toEqual(takeRows(together, some).data);
      }),
      { numRuns: 20 },
    );
  });

  it("returns the start when every gradient is zero, and never NaN", async () => {
    const { x, labels, keys } = await linearClassifier(3, [12]);
    const flat = linearVictim(tensor([2, 12]), [0, 0]);
    const still = await pgd({ norm, epsilon: 0.1, randomStart: false }).perturb(
      flat,
      x,
      labels,
      keys,
    );
    expect(balls.linf.norm(sub(still, x)).every((length) => length < 1e-7)).toBe(true);
  });

  it("finds with restarts a loss that is nowhere lower than each restart's, judged by one key", async () => {
    const { victim, x, labels, keys } = await linearClassifier(9, [12]);
    const judge = async (restarts: number) => {
      // One short step leaves the result to its random start, so that restarts differ.
      const attack = pgd({ norm, epsilon: 0.2, steps: 1, stepSize: 1e-3, restarts });
      const found = await attack.perturb(noisy(victim), x, labels, keys);
      return (await noisy(victim).lossAndGradient(found, ce(labels), foldAll(keys, 0))).losses;
    };
    const [one, two, eight] = [await judge(1), await judge(2), await judge(8)];
    const gain = (a: Float32Array, b: Float32Array) => Array.from(b, (v, i) => v - a[i]);
    expect(Math.min(...gain(one, two), ...gain(two, eight))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...gain(one, eight))).toBeGreaterThan(0.01);
  });
});

it("has the paper's settings by default", () => {
  const { options } = pgd({ norm: "linf", epsilon: 0.031 });
  expect(options).toMatchObject({ steps: 20, randomStart: true, restarts: 1 });
  expect(options.stepSize).toBeCloseTo(0.0062, 12);
});

describe("PGD refuses", () => {
  const attempt = async (
    change: Record<string, unknown>,
    options: Record<string, unknown> = {},
  ) => {
    const given = { ...(await linearClassifier(2, [4])), ...change };
    const attack = pgd({ norm: "linf", epsilon: 0.1, ...options } as PgdSettings);
    return attack.perturb(given.victim, given.x, given.labels, given.keys);
  };
  const cases = [
    [
      "pixels above 1",
      { x: tensor([2, 4], [0, 1, 0, 1, 0, 255, 0, 0]) },
      "pixel 5 of the batch is 255",
    ],
    [
      "NaN",
      { x: tensor([2, 4], [0, 1, Number.NaN, 1, 0, 1, 0, 0]) },
      "pixel 2 of the batch is NaN",
    ],
    ["a missing label", { labels: [0] }, "needs 2 labels and keys, got 1 labels and 2 keys"],
    ["a missing key", { keys: [keyOf(1)] }, "got 2 labels and 1 keys"],
    ["a negative label", { labels: [0, -1] }, "label 1 of the batch is -1, not a class index"],
    [
      "a label without output",
      { labels: [2, 0] },
      "label 0 of the batch is 2, but the model has 2 classes",
    ],
    [
      "a gradient that is NaN",
      { victim: linearVictim(tensor([2, 4]), [Number.NaN, 0]) },
      "gradient is NaN",
    ],
  ] as const;
  it.each(cases)("%s", (_, change, message) => expect(attempt(change)).rejects.toThrow(message));

  it("an ℓ2 radius beyond the diameter of the box", () =>
    expect(attempt({}, { norm: "l2", epsilon: 2.5 })).rejects.toThrow(
      "epsilon is 2.5, but no two images of 4 pixels in [0, 1] are further apart than 2.00",
    ));
});

describe("PGD that stops at what is broken", () => {
  /** A victim, and what it was asked. */
  async function watched() {
    const { victim, x, labels, keys, distance } = await linearClassifier(9, [12]);
    const asked: number[] = [];
    const watching: Victim = {
      ...victim,
      lossAndGradient(at, loss, own) {
        asked.push(own.length);
        return victim.lossAndGradient(at, loss, own);
      },
    };
    const sorted = distance("linf").toSorted((a, b) => a - b);
    // Between the fourth and the fifth image's distance to the boundary.
    return { watching, asked, x, labels, keys, epsilon: (sorted[3] + sorted[4]) / 2 };
  }

  it("breaks the same examples, and asks about the others alone", async () => {
    const results: boolean[][] = [];
    const counts: number[] = [];
    for (const stopWhenBroken of [false, true]) {
      const { watching, asked, x, labels, keys, epsilon } = await watched();
      const attack = pgd({ norm: "linf", epsilon, stopWhenBroken });
      const adversarial = await attack.perturb(watching, x, labels, keys);
      const classes = argmaxRows(await watching.logits(adversarial, keys));
      results.push(classes.map((c, i) => c !== labels[i]));
      counts.push(asked.reduce((a, b) => a + b));
      expect(asked[0]).toBe(9);
    }
    expect(results[0].filter(Boolean)).toHaveLength(4);
    expect(results[1]).toEqual(results[0]);
    expect(counts[0]).toBe(9 * 20);
    expect(counts[1]).toBeLessThan(9 * 20 - 4 * 10);
    expect(counts[1]).toBeGreaterThanOrEqual(5 * 20);
  });

  it("starts anew with what stands, and keeps what is broken though another start has a higher loss", async () => {
    const { watching, asked, x, labels, keys, epsilon } = await watched();
    const attack = pgd({ norm: "linf", epsilon, restarts: 3, stopWhenBroken: true });
    const adversarial = await attack.perturb(watching, x, labels, keys);
    const classes = argmaxRows(await watching.logits(adversarial, keys));
    expect(classes.filter((c, i) => c !== labels[i])).toHaveLength(4);
    // The first look at the second start, after 20 steps and a look at what they reached.
    expect(asked[21]).toBe(5);
  });
});
