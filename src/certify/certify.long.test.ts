import { describe, expect, it } from "vitest";
import { keyOf } from "../math/random.ts";
import { normalCdf } from "../math/special.ts";
import { tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { certify } from "./certify.ts";
import { predict } from "./predict.ts";
import type { SmoothedClassifier } from "./smoothed.ts";
import { type BaseClassifier, voteOf } from "./votes.ts";

const shape = [1, 2, 2];
const grey = Float32Array.of(100 / 255, 100 / 255, 100 / 255, 100 / 255);

/** Class 1 above the plane where the first pixel is `threshold`. */
const linear = (threshold: number): BaseClassifier => ({
  async logits(x) {
    const size = x.data.length / x.shape[0];
    const margins = Array.from({ length: x.shape[0] }, (_, i) => x.data[i * size] - threshold);
    return tensor(
      [x.shape[0], 2],
      margins.flatMap((margin) => [0, margin]),
    );
  },
});

function smoothed(given: Partial<SmoothedClassifier>): SmoothedClassifier {
  return {
    network: given.network ?? linear(0.2),
    shape,
    classes: 2,
    noise: given.noise ?? "normal:0.25",
    sampling: given.sampling ?? "sound",
    batch: given.batch ?? 100,
    signal: given.signal,
    note: given.note,
  };
}

const options = { n0: 100, n: 20_000, alpha: 0.001 };

describe("a linear classifier whose exact radius is known", () => {
  // The plane lies between two levels, 51 and 52, so that no draw ties.
  const threshold = 51.5 / 255;
  const margin = 48.5 / 255;

  it.each([
    ["normal:0.25", "l2"],
    ["laplace:0.2", "l1"],
    ["uniform:0.2", "l1"],
    ["conv:0.25:0.2", "l1"],
    ["mix:0.25:0.2", "l1"],
    ["mix-image:0.25:0.2", "l1"],
  ] as const)("under %s has a radius below the exact one in each norm", async (noise, norm) => {
    for (const sampling of ["sound", "naive"] as const) {
      const model = smoothed({ noise, sampling, network: linear(threshold) });
      const { prediction, radius } = await certify(model, grey, keyOf(1), options);
      expect(prediction).toBe(1);
      for (const one of [radius.l2, radius.l1, radius.linf])
        expect(one).toBeLessThanOrEqual(margin);
      const tight =
        noise.startsWith("normal") || noise.startsWith("laplace") || noise.startsWith("uniform");
      if (tight) expect(radius[norm]).toBeGreaterThan(0.93 * margin);
    }
  });

  it("bounds a probability that agrees with the exact one", async () => {
    const model = smoothed({ network: linear(threshold) });
    const { components } = await certify(model, grey, keyOf(2), options);
    const exact = normalCdf(margin / 0.25);
    expect(components[0].counts[1] / options.n).toBeCloseTo(exact, 1.5);
    expect(components[0].pLower).toBeLessThan(exact);
  });
});

it("abstains on a coin toss", async () => {
  const model = smoothed({ network: linear(100 / 255 + 1e-4), sampling: "naive" });
  const found = await certify(model, grey, keyOf(3), options);
  expect(found.prediction).toBeNull();
  expect(found.radius).toEqual({ l2: 0, l1: 0, linf: 0 });
  expect((await predict(model, grey, keyOf(3), options)).prediction).toBeNull();
  const sure = smoothed({});
  expect((await predict(sure, grey, keyOf(3), options)).prediction).toBe(1);
});

it("a vote with tied or NaN logits counts for no class", async () => {
  expect(
    [
      [1, 2],
      [2, 2],
      [Number.NaN, 1],
      [3, 3, 4],
      [4, 3, 4],
    ].map(voteOf),
  ).toEqual([1, -1, -1, 2, -1]);
  const constant: BaseClassifier = {
    logits: async (x) => tensor([x.shape[0], 2], new Float32Array(2 * x.shape[0])),
  };
  const { prediction, components } = await certify(
    smoothed({ network: constant }),
    grey,
    keyOf(1),
    options,
  );
  expect(prediction).toBeNull();
  expect(components[0]).toMatchObject({ n: options.n, counts: [0, 0], pLower: 0 });
});

it("a lost batch counts against the class", async () => {
  const notes: string[] = [];
  let call = 0;
  const failing: BaseClassifier = {
    async logits(x) {
      if (++call === 5) throw new Error("out of memory");
      return tensor(
        [x.shape[0], 2],
        Array.from({ length: 2 * x.shape[0] }, (_, i) => i % 2),
      );
    },
  };
  const model = smoothed({ network: failing, note: ({ code }) => notes.push(code) });
  const { components } = await certify(model, grey, keyOf(1), { n0: 100, n: 1000, alpha: 0.001 });
  expect(components[0]).toMatchObject({ n: 1000, counts: [0, 900] });
  expect(notes).toEqual(["lost-batch"]);
});

it("every call has the same size, and draws are fresh and do not depend on it", async () => {
  const sizes = new Set<number>();
  const seen: number[] = [];
  const network: BaseClassifier = {
    async logits(x) {
      sizes.add(x.shape[0]);
      seen.push(...x.data);
      return tensor(
        [x.shape[0], 2],
        Array.from({ length: 2 * x.shape[0] }, (_, i) => Math.sin(i)),
      );
    },
  };
  await certify(smoothed({ network, sampling: "naive", batch: 64 }), grey, keyOf(1), {
    n0: 100,
    n: 1000,
    alpha: 0.001,
  });
  expect([...sizes]).toEqual([64]);
  expect(new Set(seen).size).toBeGreaterThan(0.999 * seen.length);
  const [few, many] = await Promise.all(
    [30, 100].map((batch) => certify(smoothed({ batch }), grey, keyOf(1), options)),
  );
  expect(few).toEqual(many);
});

it("a sequential test certifies the target with far fewer draws, and no radius that is not there", async () => {
  const target = { norm: "l2", radius: 0.1 } as const;
  const sequential = Object.assign({ target }, options);
  const model = smoothed({});
  const found = await certify(model, grey, keyOf(4), sequential);
  expect(found.radius.l2).toBeGreaterThanOrEqual(0.1);
  expect(found.radius.l2).toBeLessThan(0.1001);
  expect(found.components[0].n).toBeLessThan(3000);
  const near = smoothed({ network: linear(80 / 255) });
  const refused = await certify(near, grey, keyOf(4), sequential);
  expect(refused.prediction).toBeNull();
  expect(refused.components[0].n).toBeLessThan(20_000);
});

it.each([
  [{ alpha: 0 }, "alpha must be between 0 and 1, got 0"],
  [{ alpha: 1.5 }, "got 1.5"],
  [{ n: 1 }, "n must be an integer of at least 2, got 1"],
  [{ n0: 0 }, "n0 must be a positive integer"],
  [{ target: { norm: "l2", radius: 9 } }, "got the target 9"],
] as const)("refuses %o", async (wrong, message) => {
  const run = certify(smoothed({}), grey, keyOf(1), Object.assign({}, options, wrong));
  await expect(run).rejects.toThrow(message);
  await expect(run).rejects.toBeInstanceOf(UsageError);
});

it("sound sampling refuses an image off the grid", async () => {
  const run = certify(smoothed({}), Float32Array.of(0.5, 0, 0, 0), keyOf(1), options);
  await expect(run).rejects.toThrow("got a pixel of 0.5");
});
