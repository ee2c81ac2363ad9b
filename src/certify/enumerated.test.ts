import { describe, expect, it } from "vitest";
import { keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { fixedShifts } from "../noise/splits.ts";
import { noiseNamed } from "../noise/table.ts";
import { certify } from "./certify.ts";
import { exactRadius } from "./enumerated.ts";
import { predict } from "./predict.ts";
import type { SmoothedClassifier } from "./smoothed.ts";
import type { BaseClassifier } from "./votes.ts";

/** A network whose class is an arbitrary function of what it sees, by a hash of the pixels in half levels. */
const hashed = (classes: number, salt: number): BaseClassifier => ({
  async logits(x) {
    const size = x.data.length / x.shape[0];
    const rows = Array.from({ length: x.shape[0] }, (_, i) =>
      x.data.subarray(i * size, (i + 1) * size),
    );
    const classOf = (row: Float32Array) =>
      row.reduce((sum, v, i) => (sum * 31 + Math.round(v * 1020) * (i + salt)) % 10_007, salt) %
      classes;
    return tensor(
      [x.shape[0], classes],
      rows.flatMap((row) =>
        Array.from({ length: classes }, (_, c) => (c === classOf(row) ? 1 : 0)),
      ),
    );
  },
});

/** Class 1 where the first pixel looks brighter than `threshold`, else 0. */
const step = (threshold: number): BaseClassifier => ({
  logits: async (x) => {
    const size = x.data.length / x.shape[0];
    const firsts = Array.from({ length: x.shape[0] }, (_, i) => x.data[i * size]);
    return tensor(
      [firsts.length, 2],
      firsts.flatMap((v) => (v > threshold ? [0, 1] : [1, 0])),
    );
  },
});

const smoothed = (
  network: BaseClassifier,
  { lambda = 5 / 510, classes = 2, pixels = 2, batch = 4 },
): SmoothedClassifier => ({
  network,
  shape: [1, 1, pixels],
  classes,
  noise: `splitting:${lambda}`,
  sampling: "sound",
  batch,
});

const options = { n0: 10, n: 10, alpha: 0.001 };
const image = (...levels: number[]) => Float32Array.from(levels, (level) => level / 255);
const certified = (model: SmoothedClassifier, ...levels: number[]) =>
  certify(model, image(...levels), keyOf(1), options);

describe("the certificate of splitting noise", () => {
  /** What the network sees, written once more from the definition: intervals (s + kL, s + (k + 1)L), cut to [0, 255]. */
  function seen(levels: readonly number[], shift: number, shifts: number): number[] {
    const fixed = fixedShifts(levels.length, shifts);
    return levels.map((level, i) => {
      let low = ((fixed[i] + shift) % shifts) + 0.5 - 300 * shifts;
      while (low + shifts < level) low += shifts;
      return (Math.max(0, low) + Math.min(255, low + shifts)) / 510;
    });
  }

  it.each([1, 2, 5, 8, 300])(
    "counts what enumeration by hand counts, of %d shifts",
    async (shifts) => {
      const network = hashed(3, 7);
      const model = smoothed(network, { lambda: shifts / 510, classes: 3, pixels: 3 });
      const { components } = await certified(model, 12, 130, 255);
      const counts = [0, 0, 0];
      for (let shift = 0; shift < shifts; shift++) {
        const { data } = await network.logits(
          tensor([1, 1, 1, 3], seen([12, 130, 255], shift, shifts)),
          [],
        );
        counts[data.indexOf(1)]++;
      }
      expect(components).toEqual([
        {
          noise: `splitting:${shifts / 510}`,
          n: shifts,
          counts,
          pLower: Math.max(...counts) / shifts,
        },
      ]);
    },
  );

  // The smoothed class of every image of 2 pixels within the radius, by exhaustion.
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "holds for every 8-bit image inside (network %d)",
    async (salt) => {
      const model = smoothed(hashed(2, salt), { lambda: 9 / 510 });
      for (const [a, b] of [
        [3, 250],
        [0, 0],
        [100, 104],
        [7, 8],
      ]) {
        const { prediction, radius } = await certified(model, a, b);
        const steps = Math.floor(radius.l1 * 255 + 1e-9);
        for (let i = -steps; i <= steps; i++)
          for (let j = -(steps - Math.abs(i)); j <= steps - Math.abs(i); j++) {
            if (a + i < 0 || b + j < 0 || a + i > 255 || b + j > 255) continue;
            const { prediction: moved } = await predict(
              model,
              image(a + i, b + j),
              keyOf(2),
              options,
            );
            expect(moved).toBe(prediction);
          }
      }
    },
  );

  it("is the distance to the boundary of a threshold on one pixel, less one half level at most", async () => {
    // Intervals longer than the range: the pixel is seen above ½ exactly if the split point is below it.
    const shifts = 400;
    const model = smoothed(step(0.5), { lambda: shifts / 510, pixels: 1 });
    const level = 250;
    const { prediction, radius } = await certified(model, level);
    expect(prediction).toBe(1);
    const other = await predict(model, image(200), keyOf(1), options);
    let nearest = level;
    while ((await predict(model, image(nearest), keyOf(1), options)).prediction === 1) nearest--;
    expect(other.prediction).toBe(nearest < 200 ? 1 : 0);
    expect(radius.l1).toBeLessThan((level - nearest) / 255);
    expect(radius.l1).toBeGreaterThanOrEqual((level - nearest - 1) / 255);
  });
});

describe("the exact radius", () => {
  it.each([
    [[70, 30], 100, 0, 40],
    [[30, 70], 100, 1, 39],
    [[50, 50], 100, 0, 0],
    [[40, 20, 40], 100, 0, 0],
    [[30, 60, 9], 100, 1, 28],
    [[0, 0], 100, null, 0],
    [[51, 0], 100, 0, 2],
    [[49, 0], 100, null, 0],
    [[100, 0], 100, 0, 100],
  ])("of counts %j of %d is of class %s, %d half levels", (counts, shifts, prediction, halves) => {
    expect(exactRadius(counts, shifts)).toEqual({ prediction, l1: halves / 510 });
  });
});

it("a class that is first in a tie keeps it, and a later one needs one vote more", async () => {
  expect(exactRadius([6, 4], 10).l1).toBe(2 / 510);
  expect(exactRadius([4, 6], 10).l1).toBe(1 / 510);
});

it("depends neither on the batch nor on the key, and lost batches count against the class", async () => {
  const [one, other] = await Promise.all(
    [3, 100].map((batch) =>
      certify(smoothed(step(0.4), { lambda: 0.5, batch }), image(180, 3), keyOf(batch), options),
    ),
  );
  expect(one).toEqual(other);
  let call = 0;
  const failing: BaseClassifier = {
    async logits(x, keys) {
      if (++call === 2) throw new Error("out of memory");
      return step(0.4).logits(x, keys);
    },
  };
  const lost = await certified(smoothed(failing, { lambda: 0.5, batch: 10 }), 180, 3);
  expect(lost.radius.l1).toBeCloseTo(one.radius.l1 - 20 / 510, 12);
});

it("does not take images off the grid, naive sampling, or a sequential test", async () => {
  const model = smoothed(step(0.5), {});
  await expect(certify(model, Float32Array.of(0.5, 0), keyOf(1), options)).rejects.toThrow("8-bit");
  await expect(
    certify(Object.assign({}, model, { sampling: "naive" }), image(1, 2), keyOf(1), options),
  ).rejects.toThrow("leave out --sampling naive");
  const target = { norm: "l1", radius: 0.001 } as const;
  await expect(
    certify(model, image(1, 2), keyOf(1), Object.assign({ target }, options)),
  ).rejects.toThrow("leave out --sequential");
});

describe("splitting noise that is drawn", () => {
  const noise = noiseNamed("splitting:20/510");
  const keys = Array.from({ length: 4000 }, (_, i) => keyOf(i));

  it("shows an 8-bit image in the versions that the certificate counts, each equally often", () => {
    const levels = [30, 31, 200];
    const x = tensor(
      [4000, 1, 1, 3],
      keys.flatMap(() => [...image(...levels)]),
    );
    const { data } = noise.combine?.(x, noise.sample(keys, x.shape)) ?? x;
    const versions = Array.from({ length: 20 }, (_, i) => {
      const fixed = fixedShifts(3, 20);
      return levels
        .map((level, j) => {
          let low = ((fixed[j] + i) % 20) + 0.5 - 40;
          while (low + 20 < level) low += 20;
          return Math.fround((Math.max(0, low) + Math.min(255, low + 20)) / 510);
        })
        .join();
    });
    const counts = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      const version = [...data.subarray(3 * i, 3 * i + 3)].join();
      expect(versions).toContain(version);
      counts.set(version, (counts.get(version) ?? 0) + 1);
    }
    // 200 of each on average; six standard deviations.
    for (const one of versions) expect(Math.abs((counts.get(one) ?? 0) - 200)).toBeLessThan(85);
  });

  it("a shift by δ changes what is seen with probability |δ|/2λ, on the grid or off it", () => {
    for (const [from, to] of [
      [100, 105],
      [100.3, 100.7],
      [3.2, 9.9],
    ]) {
      const one = (level: number) => tensor([4000, 1], new Float32Array(4000).fill(level / 255));
      const drawn = noise.sample(keys, [4000, 1]);
      const [a, b] = [from, to].map((level) => noise.combine?.(one(level), drawn).data ?? []);
      const share = keys.filter((_, i) => a[i] !== b[i]).length / 4000;
      const exact = (to - from) / 20;
      expect(Math.abs(share - exact)).toBeLessThan(5 * Math.sqrt((exact * (1 - exact)) / 4000));
    }
  });
});
