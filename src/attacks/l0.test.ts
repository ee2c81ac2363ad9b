// Attacks in ℓ0 on linear classifiers, whose best attack with k pixels is known in closed form.
import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { marginsOf } from "../losses/margin.ts";
import { normal, uniform } from "../math/distributions.ts";
import { foldAll, keyOf, keysFor } from "../math/random.ts";
import { argmaxRows, rowSize, type Shape, sub, tensor } from "../math/tensor.ts";
import { distancesOf, projectExactly } from "./exact-projection.ts";
import { runBounded, runMinimal } from "./harness.ts";
import { changedPixels, projectPixels, steepestPixels } from "./pixels.ts";
import { sigmaZero } from "./sigma-zero.ts";
import { replacedAt, sparseRs } from "./sparse-rs.ts";

/** Every set of `count` of the numbers below `n`. */
function subsets(n: number, count: number): number[][] {
  if (count === 0) return [[]];
  if (n === 0) return [];
  return [...subsets(n - 1, count), ...subsets(n - 1, count - 1).map((set) => [...set, n - 1])];
}

const SHAPE = [3, 2, 3];
const [CHANNELS, POSITIONS] = [3, 6];

describe("projection", () => {
  const keys = keysFor(keyOf(1), [0, 1, 2, 3]);
  const x = uniform(foldAll(keys, 0), [4, ...SHAPE], 0, 1);
  const y = uniform(foldAll(keys, 1), [4, ...SHAPE], 0, 1);
  const squared = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0);

  it.each([1, 2, 4])("is the closest of all points that change %i pixels", (count) => {
    const found = projectPixels(y, x, count);
    expect(distancesOf(found, x, "l0")).toEqual([count, count, count, count]);
    for (let row = 0; row < 4; row++) {
      const part = (t: typeof x) => t.data.subarray(row * 18, (row + 1) * 18);
      const all = subsets(POSITIONS, count).map((set) =>
        part(x).map((v, i) => (set.includes(i % POSITIONS) ? part(y)[i] : v)),
      );
      const closest = Math.min(...all.map((point) => squared(point, part(y))));
      expect(squared(part(found), part(y))).toBe(closest);
    }
  });

  it("cuts with the box, and keeps the other pixels to the bit", () => {
    const outside = tensor(
      x.shape,
      y.data.map((v) => 3 * v - 1),
    );
    const found = projectExactly(outside, x, "l0", 2);
    expect(found.data.every((v) => v >= 0 && v <= 1)).toBe(true);
    const kept = found.data.filter((v, i) => Object.is(v, x.data[i])).length;
    expect(kept).toBeGreaterThanOrEqual(4 * (POSITIONS - 2) * CHANNELS);
  });

  it("of x is x, also with pixels to spare", () => {
    expect(projectExactly(x, x, "l0", 3).data).toEqual(x.data);
  });
});

describe("the count of changed pixels", () => {
  const x = tensor(
    [2, ...SHAPE],
    Array.from({ length: 36 }, () => 0.3),
  );
  const changed = (places: readonly number[], by: number) =>
    tensor(
      x.shape,
      x.data.map((v, i) => (places.includes(i) ? v + by : v)),
    );

  it("counts a pixel once, whichever of its channels change", () => {
    // Numbers 0, 6 and 12 of an image are the channels of its first pixel.
    expect(changedPixels(changed([0, 6, 12], 0.5), x)).toEqual([1, 0]);
    expect(changedPixels(changed([0, 7, 14, 35], 0.5), x)).toEqual([3, 1]);
  });

  it("is exact, unless a tolerance says what rounding is", () => {
    const dust = changed([1], 2 ** -25);
    expect(dust.data[1]).not.toBe(x.data[1]);
    expect(changedPixels(dust, x)).toEqual([1, 0]);
    expect(changedPixels(dust, x, 1e-6)).toEqual([0, 0]);
  });

  it("of images without channels counts numbers, and NaN is a change", () => {
    const flat = tensor([1, 4], [0, 0, 0, 0]);
    expect(changedPixels(tensor([1, 4], [0, 0.1, Number.NaN, 0]), flat)).toEqual([2]);
  });
});

/** A linear classifier of two classes on images all over the box, each of which it decides for class 0. */
async function linearClassifier(batch: number, shape: Shape = [3, 5, 5], bias = 4) {
  const size = shape.reduce((product, n) => product * n, 1);
  const w = normal([keyOf(4)], [1, size]).data;
  const weights = tensor([2, size], [...w, ...w.map((v) => -v)]);
  const keys = keysFor(keyOf(5), [...Array(batch).keys()]);
  const x = uniform(foldAll(keys, 9), [batch, ...shape], 0, 1);
  const offsets = Array.from({ length: batch }, (_, i) =>
    x.data.subarray(i * size, (i + 1) * size).reduce((sum, v, j) => sum + v * w[j], 0),
  );
  const lowest = Math.min(...offsets);
  const victim = linearVictim(weights, [bias - lowest, lowest - bias]);
  const labels = Array.from({ length: batch }, () => 0);
  const margins = marginsOf(await victim.logits(x, keys), labels);
  /** The largest margin that an attack can reach with this many pixels. */
  const best = (row: number, count: number) => {
    const positions = shape.length === 3 ? shape[1] * shape[2] : size;
    const gains = new Float64Array(positions);
    for (let i = 0; i < size; i++) {
      const [slope, v] = [-2 * w[i], x.data[row * size + i]];
      gains[i % positions] += Math.max(slope * (1 - v), -slope * v);
    }
    const top = [...gains].sort((a, b) => b - a).slice(0, count);
    return top.reduce((sum, gain) => sum + gain, margins[row]);
  };
  const smallest = labels.map((_, row) => {
    let count = 1;
    while (best(row, count) <= 0) count++;
    return count;
  });
  return { victim, x, labels, keys, best, smallest };
}

describe("σ-zero", () => {
  it("never changes fewer pixels than the best attack, mostly no more, and one more at most", async () => {
    const { victim, x, labels, keys, smallest } = await linearClassifier(40, [3, 8, 8], 1);
    expect(new Set(smallest).size).toBeGreaterThanOrEqual(3);
    const result = await runMinimal(sigmaZero({ steps: 300 }), victim, x, labels, keys);
    expect(result.found).toEqual(labels.map(() => true));
    expect(argmaxRows(await victim.logits(result.adversarial, keys))).toEqual(labels.map(() => 1));
    const over = result.l0.map((count, i) => count - smallest[i]);
    expect(Math.min(...over)).toBe(0);
    expect(over.filter((more) => more === 0).length).toBeGreaterThanOrEqual(34);
    expect(Math.max(...over)).toBeLessThanOrEqual(1);
  });

  it("counts pixels and numbers alike in grey images, and pixels for fewer in colour", async () => {
    const grey = await linearClassifier(10, [1, 8, 8]);
    const found = async (given: typeof grey, unit: "pixels" | "entries") => {
      const attack = sigmaZero({ steps: 100, unit });
      return runMinimal(attack, given.victim, given.x, given.labels, given.keys);
    };
    const pixels = await found(grey, "pixels");
    expect((await found(grey, "entries")).adversarial.data).toEqual(pixels.adversarial.data);
    const colour = await linearClassifier(10);
    const total = ({ l0 }: { readonly l0: readonly number[] }) => l0.reduce((a, b) => a + b);
    const [inPixels, inEntries] = [await found(colour, "pixels"), await found(colour, "entries")];
    expect(total(inPixels)).toBeLessThan(total(inEntries));
    const entries = (adversarial: typeof x) =>
      sub(adversarial, colour.x).data.reduce((sum, v) => sum + Number(v !== 0), 0);
    const { x } = colour;
    expect(entries(inEntries.adversarial)).toBeLessThan(entries(inPixels.adversarial));
  });
});

describe("Sparse-RS", () => {
  it("never beats the best attack with as many pixels, and comes close to it", async () => {
    const { victim, x, labels, keys, best } = await linearClassifier(12);
    for (const count of [1, 3]) {
      const attack = sparseRs({
        norm: "l0",
        epsilon: count,
        queries: 1500,
        stopWhenBroken: false,
      });
      const { adversarial, l0 } = await runBounded(attack, victim, x, labels, keys);
      expect(l0).toEqual(labels.map(() => count));
      const margins = marginsOf(await victim.logits(adversarial, keys), labels);
      const clean = marginsOf(await victim.logits(x, keys), labels);
      const shares = Array.from(margins, (margin, i) => {
        expect(margin).toBeLessThanOrEqual(best(i, count) + 1e-4);
        return (margin - clean[i]) / (best(i, count) - clean[i]);
      });
      // A query never changes the colour of a changed pixel alone, so a search may end beside the best attack.
      expect(Math.min(...shares)).toBeGreaterThan(0.7);
      expect(shares.reduce((a, b) => a + b) / shares.length).toBeGreaterThan(0.9);
    }
  });

  it("breaks what σ-zero breaks with as many pixels", async () => {
    const { victim, x, labels, keys, smallest } = await linearClassifier(12);
    const epsilon = Math.max(...smallest) + 1;
    const attack = sparseRs({ norm: "l0", epsilon, queries: 1500 });
    const { adversarial, queries } = await runBounded(attack, victim, x, labels, keys);
    expect(argmaxRows(await victim.logits(adversarial, keys))).toEqual(labels.map(() => 1));
    expect(queries.gradients).toBe(0);
  });

  it("only paints corners of the box", async () => {
    const { victim, x, labels, keys } = await linearClassifier(4);
    const attack = sparseRs({ norm: "l0", epsilon: 4, queries: 60, stopWhenBroken: false });
    const adversarial = await attack.perturb(victim, x, labels, keys);
    const painted = adversarial.data.filter((v, i) => v !== x.data[i]);
    expect(painted.every((v) => v === 0 || v === 1)).toBe(true);
    expect(painted.length).toBe((4 * 4 * rowSize(x)) / 25);
  });

  it("replaces as many pixels as the authors' schedule has it", () => {
    const of = (proposal: number) => replacedAt(proposal, 10_000, { share: 0.3, changed: 200 });
    const proposals = [1, 50, 51, 201, 501, 1001, 2001, 4001, 6001, 8001, 9999];
    expect(proposals.map(of)).toEqual([30, 30, 15, 12, 10, 7, 6, 5, 4, 3, 3]);
    expect(replacedAt(9000, 10_000, { share: 0.3, changed: 3 })).toBe(1);
  });

  it.each([-1, 0, 1.5, 25, 900])("refuses a radius of %d pixels of 25", async (epsilon) => {
    const { victim, x, labels, keys } = await linearClassifier(1);
    await expect(async () =>
      sparseRs({ norm: "l0", epsilon }).perturb(victim, x, labels, keys),
    ).rejects.toThrow(/epsilon/);
  });
});

it("a linear function is largest in the ball at its steepest point", async () => {
  const { victim, x, labels, keys, best } = await linearClassifier(6);
  const { gradient } = await victim.lossAndGradient(x, { kind: "margin", labels }, keys);
  for (const count of [1, 2, 5]) {
    const point = steepestPixels(x, gradient, count);
    const margins = marginsOf(await victim.logits(point, keys), labels);
    for (const [i, margin] of margins.entries()) expect(margin).toBeCloseTo(best(i, count), 4);
  }
});
