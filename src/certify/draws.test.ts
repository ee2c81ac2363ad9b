// Which draws are made, and what becomes of them: the class, its bound, and the level.
import { describe, expect, it } from "vitest";
import { fold, type Key, keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { lowerBound, signTest } from "./binomial.ts";
import { certify, probabilityFor } from "./certify.ts";
import { gridNoise } from "./grid-noise.ts";
import { anyOf, noisyImages } from "./noisy-images.ts";
import { predict } from "./predict.ts";
import { mostRefuting, refute } from "./refute.ts";
import { decide } from "./sequential.ts";
import type { SmoothedClassifier } from "./smoothed.ts";
import { type BaseClassifier, votes } from "./votes.ts";

const shape = [1, 2, 2];
const pixels = 4;
const grey = new Float32Array(pixels).fill(100 / 255);

/** Votes by the number of the draw, whatever the image; and the keys of all draws. */
function scripted(voteOf: (draw: number) => number) {
  let draw = 0;
  const seen: Key[] = [];
  const network: BaseClassifier = {
    async logits(x, keys) {
      seen.push(...keys);
      const votes = keys.map(() => voteOf(draw++));
      return tensor(
        [x.shape[0], 2],
        votes.flatMap((vote) => [1 - vote, vote]),
      );
    },
  };
  return { network, seen };
}

const smoothed = (network: BaseClassifier, noise: string, batch = 50): SmoothedClassifier => ({
  network,
  shape,
  classes: 2,
  noise,
  sampling: "sound",
  batch,
});

it("each draw has a key for the network that differs from the key of the noise", async () => {
  const { network, seen } = scripted(() => 1);
  const noisy: Key[] = [];
  const images = {
    error: 0,
    draw(_: Float32Array, keys: readonly Key[]) {
      noisy.push(...keys);
      return tensor([keys.length, 1]);
    },
  };
  const poll = { image: grey, noisy: images, key: keyOf(1), draws: 20, batch: 10, classes: 2 };
  for await (const _ of votes(network, poll));
  expect(new Set([...seen, ...noisy].map(String)).size).toBe(40);
});

it("a coin of each copy chooses its noise, and the noise has another key", () => {
  const seen: Key[][] = [[], []];
  const part = (which: number) => ({
    error: 0,
    draw(image: Float32Array, keys: readonly Key[]) {
      seen[which].push(...keys);
      return tensor(
        [keys.length, pixels],
        image.map(() => which),
      );
    },
  });
  const keys = Array.from({ length: 400 }, (_, i) => fold(keyOf(6), i));
  const { data } = anyOf([part(0), part(1)]).draw(grey, keys, 0);
  expect(seen.flat()).toHaveLength(400);
  // Six standard deviations of a fair coin.
  expect(Math.abs(seen[0].length - 200)).toBeLessThan(60);
  const coins = new Set(keys.map((key) => String(fold(key, 0))));
  for (const key of seen.flat()) expect(coins.has(String(key))).toBe(false);
  const heads = keys.map((key) => fold(key, 0)[0] % 2);
  expect(Array.from({ length: 400 }, (_, i) => data[pixels * i])).toEqual(heads);
});

it("noisy pixels are not clipped, since clipping is up to the network", () => {
  const keys = Array.from({ length: 20 }, (_, i) => fold(keyOf(6), i));
  const { data } = noisyImages("normal:0.9", shape, "sound").draw(grey, keys, 0);
  expect(Math.min(...data)).toBeLessThan(-0.1);
  expect(Math.max(...data)).toBeGreaterThan(1.1);
});

const errorOf = (noise: string): number => pixels * gridNoise(noise).errorPerPixel;

it("the bound is that of Clopper and Pearson at level α, less the error of drawing", async () => {
  const { network } = scripted((draw) => (draw % 10 === 0 ? 0 : 1));
  const options = { n0: 50, n: 1000, alpha: 0.001 };
  const { components } = await certify(smoothed(network, "normal:0.25"), grey, keyOf(1), options);
  expect(components).toHaveLength(1);
  const [{ counts, pLower }] = components;
  expect(counts).toEqual([100, 900]);
  expect(errorOf("normal:0.25")).toBeGreaterThan(1e-12);
  expect(pLower).toBe(lowerBound(900, 1000, 0.001) - errorOf("normal:0.25"));
});

it("the two parts of mix-image share α equally, and each has its own error", async () => {
  const { network } = scripted((draw) => (draw % 20 === 0 ? 0 : 1));
  const options = { n0: 50, n: 1000, alpha: 0.01 };
  const model = smoothed(network, "mix-image:0.25:0.2");
  const { components } = await certify(model, grey, keyOf(1), options);
  expect(components.map(({ noise, pLower }) => [noise, pLower])).toEqual(
    ["normal:0.25", "uniform:0.2"].map((noise) => [
      noise,
      lowerBound(950, 1000, 0.005) - errorOf(noise),
    ]),
  );
});

describe("the class", () => {
  it("is chosen by the first n0 draws, and bounded by the votes for it among others", async () => {
    const { network } = scripted((draw) => (draw < 50 ? 0 : 1));
    const options = { n0: 50, n: 1000, alpha: 0.001 };
    const found = await certify(smoothed(network, "normal:0.25"), grey, keyOf(1), options);
    expect(found.prediction).toBeNull();
    expect(found.components[0]).toMatchObject({ counts: [0, 1000], pLower: 0 });
  });

  it("has no votes of draws that only fill the last batch", async () => {
    // 20 of 50 draws count in the first batch, and 30 of 50 in the last one.
    const { network } = scripted((draw) => (draw < 20 ? 1 : 0));
    const few = { n0: 20, n: 80, alpha: 0.001 };
    const found = await certify(smoothed(network, "normal:0.25"), grey, keyOf(1), few);
    expect(found.components[0].counts).toEqual([80, 0]);
    expect(found.prediction).toBeNull();
  });
});

it.each(["normal:0.25", "mix-image:0.25:0.2"])(
  "no draw of an image is made twice, by certify or predict: %s",
  async (noise) => {
    const { network, seen } = scripted(() => 1);
    const model = smoothed(network, noise);
    await certify(model, grey, keyOf(1), { n0: 70, n: 230, alpha: 0.001 });
    await predict(model, grey, keyOf(1), { n: 230, alpha: 0.001 });
    const parts = noise.startsWith("mix") ? 2 : 1;
    expect(seen).toHaveLength(100 + parts * 250 + 250);
    expect(new Set(seen.map(String)).size).toBe(seen.length);
  },
);

// Its probabilities are divided by 2e-9, so that drawing it has an error of several tenths of a percent.
const coarse = "conv:0.5:0.000000001";

describe("draws with an error that matters", () => {
  it("take a sequential test longer", async () => {
    expect(errorOf(coarse)).toBeGreaterThan(0.003);
    const target = { norm: "l2", radius: 1 } as const;
    const p = probabilityFor(coarse, target, shape);
    const drawsAt = (tested: number): number => {
      let draws = 10;
      const options = { alpha: 0.001, most: 5000 };
      while (decide(tested, { successes: draws, draws }, options) !== "above") draws += 10;
      return draws;
    };
    const { network } = scripted(() => 1);
    const found = await certify(smoothed(network, coarse, 10), grey, keyOf(1), {
      n0: 10,
      n: 5000,
      alpha: 0.001,
      target,
    });
    expect(found.components[0]).toMatchObject({ n: drawsAt(p + errorOf(coarse)), pLower: p });
    expect(found.components[0].n).toBeGreaterThan(drawsAt(p));
  });

  it("need a larger lead in a prediction", async () => {
    const n = 1000;
    const share = 0.5 + errorOf(coarse);
    let votes = 501;
    while (signTest(votes, n) > 0.001) votes++;
    expect(signTest(votes, n, share)).toBeGreaterThan(0.001);
    const predicted = async (ones: number, noise: string) => {
      const { network } = scripted((draw) => (draw < ones ? 1 : 0));
      const found = await predict(smoothed(network, noise), grey, keyOf(1), { n, alpha: 0.001 });
      return found.prediction;
    };
    expect(await predicted(votes, "normal:0.25")).toBe(1);
    expect(await predicted(votes, coarse)).toBeNull();
    while (signTest(votes, n, share) > 0.001) votes++;
    expect(await predicted(votes, coarse)).toBe(1);
  });
});

it("draws with an error refute a certificate only below ½ less the error", async () => {
  const [exact, lowered] = [0.5, 0.5 - errorOf(coarse)].map((p) => mostRefuting(10_000, p, 1e-6));
  expect(lowered).toBeLessThan(exact);
  const refutedAt = async (ones: number, noise: string) => {
    const { network } = scripted((draw) => (draw < ones ? 1 : 0));
    return (await refute(smoothed(network, noise), grey, keyOf(1), { prediction: 1 })).refuted;
  };
  expect(await refutedAt(exact, "normal:0.25")).toBe(true);
  expect(await refutedAt(exact, coarse)).toBe(false);
  expect(await refutedAt(lowered - 100, coarse)).toBe(true);
});

it("a lost batch counts as draws of a sequential test without votes", async () => {
  let call = 0;
  const network: BaseClassifier = {
    async logits(x) {
      if (++call === 2) throw new Error("out of memory");
      return tensor(
        [x.shape[0], 2],
        Array.from({ length: 2 * x.shape[0] }, (_, i) => i % 2),
      );
    },
  };
  const target = { norm: "l2", radius: 0.1 } as const;
  const { components } = await certify(smoothed(network, "normal:0.25"), grey, keyOf(1), {
    n0: 50,
    n: 1000,
    alpha: 0.001,
    target,
  });
  const [{ n, counts }] = components;
  expect(n - counts[0] - counts[1]).toBe(50);
});
