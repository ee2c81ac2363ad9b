import fc from "fast-check";
import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import type { Victim } from "../attacks/victim.ts";
import { ce } from "../losses/ce.ts";
import { difference } from "../losses/difference.ts";
import { linear } from "../losses/linear.ts";
import { margin } from "../losses/margin.ts";
import { lossOfLogits } from "../losses/plain.ts";
import { normal, uniform } from "../math/distributions.ts";
import { fold, foldAll, keyOf, keysFor } from "../math/random.ts";
import { rows } from "../math/tensor.ts";
import { noiseNamed } from "../noise/table.ts";
import { withEot } from "./with-eot.ts";
import { withNoise } from "./with-noise.ts";

const indices = [0, 1, 2, 3, 4];
const keys = keysFor(keyOf(1), indices);
const labels = [0, 1, 2, 0, 1];
const x = uniform(keysFor(keyOf(2), indices), [5, 6]);
const network = linearVictim(normal(keysFor(keyOf(3), [0, 1, 2]), [3, 6], 2), [0, 0.5, 1]);
const noisy = withNoise(network, noiseNamed("normal:0.5"));

const losses = [
  ce(labels),
  margin(labels),
  difference(labels, [1, 2, 0, 2, 0]),
  linear(normal(keysFor(keyOf(4), indices), [5, 3])),
];

it.each(losses)("averages losses, logits and gradients over draws: $kind", async (loss) => {
  const averaged = await withEot(noisy, 7, 4).lossAndGradient(x, loss, keys);
  const each = await Promise.all(
    [0, 1, 2, 3, 4, 5, 6].map((r) => noisy.lossAndGradient(x, loss, foldAll(keys, r))),
  );
  const mean = (parts: readonly Float32Array[], i: number) =>
    parts.reduce((sum, part) => sum + part[i], 0) / 7;
  averaged.losses.forEach((v, i) => {
    expect(v).toBeCloseTo(
      mean(
        each.map((part) => part.losses),
        i,
      ),
      5,
    );
  });
  averaged.logits.data.forEach((v, i) => {
    expect(v).toBeCloseTo(
      mean(
        each.map((part) => part.logits.data),
        i,
      ),
      5,
    );
  });
  averaged.gradient.data.forEach((v, i) => {
    expect(v).toBeCloseTo(
      mean(
        each.map((part) => part.gradient.data),
        i,
      ),
      5,
    );
  });
});

it("the objective is the mean loss, not the loss of mean logits", async () => {
  const { losses: mean, logits } = await withEot(noisy, 20).lossAndGradient(x, ce(labels), keys);
  const lossOfMean = lossOfLogits(ce(labels), logits).losses;
  // Jensen: cross-entropy is convex in the logits.
  for (const [i, v] of mean.entries()) expect(v).toBeGreaterThan(lossOfMean[i]);
});

it("gives the same bits for any batch of examples and any limit on its own batches", async () => {
  const all = await withEot(noisy, 6).lossAndGradient(x, ce(labels), keys);
  await fc.assert(
    fc.asyncProperty(fc.nat(4), fc.integer({ min: 1, max: 40 }), async (i, maxBatch) => {
      const eot = withEot(noisy, 6, maxBatch);
      const same = await eot.lossAndGradient(x, ce(labels), keys);
      expect(same).toEqual(all);
      expect(await eot.logits(x, keys)).toEqual(all.logits);
      const alone = await eot.lossAndGradient(rows(x, i, i + 1), ce([labels[i]]), [keys[i]]);
      expect(alone.gradient.data).toEqual(rows(all.gradient, i, i + 1).data);
    }),
    { numRuns: 20 },
  );
});

it("never asks for more rows than the limit, and uses each key once", async () => {
  const seen: string[] = [];
  const watching: Victim = {
    ...network,
    lossAndGradient(batch, loss, own) {
      expect(batch.shape[0]).toBeLessThanOrEqual(4);
      expect(own.length).toBe(batch.shape[0]);
      seen.push(...own.map(String));
      return network.lossAndGradient(batch, loss, own);
    },
  };
  await withEot(watching, 9, 4).lossAndGradient(x, ce(labels), keys);
  expect(seen.length).toBe(45);
  expect(new Set(seen).size).toBe(45);
  expect(seen).toContain(String(fold(keys[2], 8)));
});

it("refuses no draws", () => {
  expect(() => withEot(noisy, 0)).toThrow("positive number of draws, got 0");
});

it("of one draw of a deterministic victim is that victim", async () => {
  const { gradient } = await network.lossAndGradient(x, ce(labels), keys);
  expect((await withEot(network, 1).lossAndGradient(x, ce(labels), keys)).gradient).toEqual(
    gradient,
  );
});
