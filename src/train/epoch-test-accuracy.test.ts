import { describe, expect, it } from "vitest";
import { stripes } from "../../test/fixtures/toy-training.ts";
import { watchedNoise } from "../../test/fixtures/watched-noise.ts";
import type { Victim } from "../attacks/victim.ts";
import { keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { epochTestAccuracy, monitoredIndices } from "./epoch-test-accuracy.ts";

/** Predicts class 0 for every image. */
const constant: Victim = {
  logits: async (_, keys) =>
    tensor(
      [keys.length, 3],
      keys.flatMap(() => [1, 0, 0]),
    ),
  lossAndGradient: () => Promise.reject(new Error("not needed")),
};

describe("the check after an epoch", () => {
  it("is the share of test images classified correctly", async () => {
    const check = await epochTestAccuracy(constant, stripes(), null, (part) => part.map(keyOf));
    expect(check).toEqual({ accuracy: 1 / 3, examples: 30 });
  });

  it("prefetches the noise of the next batch", async () => {
    const { noise, prefetched } = watchedNoise();
    const dataset = { ...stripes(), test: stripes(300).train };
    const check = await epochTestAccuracy(constant, dataset, noise, (part) => part.map(keyOf));
    expect(check.examples).toBe(300);
    expect(prefetched()).toEqual([false, true, true]);
  });

  it("takes all images of a small split, and 1000 evenly spaced ones of a large split", () => {
    expect(monitoredIndices(3)).toEqual([0, 1, 2]);
    const indices = monitoredIndices(10_000);
    expect([indices.length, new Set(indices).size, indices[999]]).toEqual([1000, 1000, 9990]);
  });
});
