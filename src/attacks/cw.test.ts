import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { normal, permutation, uniform } from "../math/distributions.ts";
import { type Key, keyOf, keysFor } from "../math/random.ts";
import { add, argmaxRows, rows, sub, type Tensor, takeRows, tensor } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { type CwOptions, type CwSettings, cw } from "./cw.ts";
import { runMinimal } from "./harness.ts";
import type { Labels, Loss, Victim } from "./victim.ts";

/** A linear classifier whose boundary passes through grey, and images at these distances from it, on both sides. */
async function linearClassifier(pixels: number, distances: readonly number[]) {
  const weights = normal(keysFor(keyOf(1), [0, 1]), [2, pixels]);
  const w = sub(rows(weights, 1, 2), rows(weights, 0, 1)).data;
  const length = Math.hypot(...w);
  const batch = distances.length;
  const along = ({ data }: Tensor, i: number) =>
    w.reduce((sum, v, k) => sum + (v / length) * (data[i * pixels + k] - 0.5), 0);
  const near = uniform(keysFor(keyOf(2), [...distances.keys()]), [batch, pixels], 0.4, 0.6);
  const offsets = distances.map((distance, i) => (i % 2 ? distance : -distance) - along(near, i));
  const x = tensor(
    near.shape,
    near.data.map((v, j) => v + (offsets[Math.floor(j / pixels)] * w[j % pixels]) / length),
  );
  const victim = linearVictim(weights, [0, -0.5 * w.reduce((sum, v) => sum + v, 0)]);
  return { victim, x, labels: distances.map((_, i) => i % 2), keys: keysOf(batch) };
}

const keysOf = (batch: number) => keysFor(keyOf(3), [...Array(batch).keys()]);

/** The same victim behind normal noise: what it answers depends on the key. */
const noisy = (victim: Victim): Victim => ({
  logits: (x, keys) => victim.logits(add(x, normal(keys, x.shape, 0.1)), keys),
  lossAndGradient: (x, loss, keys) =>
    victim.lossAndGradient(add(x, normal(keys, x.shape, 0.1)), loss, keys),
});

/** The same victim, remembering the images and keys that it was asked about, call by call. */
function remembering(victim: Victim) {
  const calls: { readonly x: Tensor; readonly keys: readonly Key[] }[] = [];
  return {
    calls,
    logits: (x: Tensor, keys: readonly Key[]) => victim.logits(x, keys),
    lossAndGradient(x: Tensor, loss: Loss, keys: readonly Key[]) {
      calls.push({ x, keys });
      return victim.lossAndGradient(x, loss, keys);
    },
  };
}

describe("C&W on a linear classifier finds the margin and nothing below it:", () => {
  const distances = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.12, 0.18, 0.22];
  const cases = [
    ...[1, 2, 9].map((batch) => ({ pixels: 10, at: distances.slice(0, batch), within: 1.01 })),
    ...[1, 4].map((batch) => ({
      pixels: 3072,
      at: [1.2, 0.8, 2, 1.6].slice(0, batch),
      within: 1.03,
    })),
  ];
  it.each(cases)("$pixels pixels, at distances $at", async ({ pixels, at, within }) => {
    const { victim, x, labels, keys } = await linearClassifier(pixels, at);
    expect(argmaxRows(await victim.logits(x, keys))).toEqual(labels);
    const attack = cw({ abortEarly: pixels > 10 });
    const { adversarial, l2, found } = await runMinimal(attack, victim, x, labels, keys);
    expect(found).toEqual(at.map(() => true));
    expect(argmaxRows(await victim.logits(adversarial, keys))).toEqual(labels.map((y) => 1 - y));
    const ratios = l2.map((length, i) => length / at[i]);
    expect(Math.min(...ratios)).toBeGreaterThan(0.9999);
    expect(Math.max(...ratios)).toBeLessThan(within);
  });
});

it("finds nothing where there is nothing, and returns x", async () => {
  const x = uniform(keysOf(3), [3, 12]);
  const flat = linearVictim(tensor([2, 12]), [0, 0]);
  // No image in the box sums to more than 12.
  const outOfReach = linearVictim(
    tensor([2, 12], [...Array(12).fill(0), ...Array(12).fill(1)]),
    [13, 0],
  );
  for (const victim of [flat, outOfReach]) {
    const { adversarial, found } = await cw().minimize(victim, x, [0, 0, 0], keysOf(3));
    expect(found).toEqual([false, false, false]);
    expect(adversarial.data).toEqual(x.data);
  }
});

it("returns what is misclassified as it is, for one query", async () => {
  const { victim, x, labels, keys } = await linearClassifier(10, [0.1, 0.2, 0.3]);
  const wrong = labels.map((y, i) => (i === 1 ? y : 1 - y));
  const result = await runMinimal(cw(), victim, x, wrong, keys);
  expect(result.found).toEqual([true, true, true]);
  expect(result.l2.map((length) => length > 0)).toEqual([false, true, false]);
  const alone = await runMinimal(cw(), victim, rows(x, 1, 2), [wrong[1]], [keys[1]]);
  expect(result.queries.gradients).toBe(alone.queries.gradients + 2);
});

it("asks once per step, and an image that has ended its searches is asked about no more", async () => {
  const { victim, x, labels, keys } = await linearClassifier(10, [0.1, 0.2, 0.3, 0.4, 0.5]);
  const queries = async (options: CwSettings, indices: readonly number[]) => {
    const own = (all: Labels) => indices.map((i) => all[i]);
    const some = indices.map((i) => keys[i]);
    const result = await runMinimal(cw(options), victim, takeRows(x, indices), own(labels), some);
    expect(result.queries.forwards).toBe(result.queries.gradients);
    return result.queries.gradients;
  };
  const all = [0, 1, 2, 3, 4];
  expect(await queries({ abortEarly: false, steps: 20, searches: 3 }, all)).toBe(5 * (1 + 3 * 20));
  const together = await queries({}, all);
  expect(together).toBeLessThan(0.8 * 5 * (1 + 9 * 60));
  let alone = 0;
  for (const i of all) alone += await queries({}, [i]);
  expect(together).toBe(alone);
});

it("uses no key twice, nor one that it was given", async () => {
  const { victim, x, labels, keys } = await linearClassifier(10, [0.1, 0.2, 0.3]);
  const asked = remembering(victim);
  await cw().minimize(asked, x, labels, keys);
  const used = [...asked.calls.flatMap((call) => call.keys), ...keys].map(String);
  expect(used.length).toBeGreaterThan(100);
  expect(new Set(used).size).toBe(used.length);
});

it("attacks each image by itself: batch and order change no bit, with noise", async () => {
  const distances = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35];
  const { victim, x, labels, keys } = await linearClassifier(10, distances);
  const attack = cw({ steps: 20, searches: 4, initialConstant: 0.1 });
  const together = await attack.minimize(noisy(victim), x, labels, keys);
  expect(together.found).toContain(true);
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 7 }), async (seed, size) => {
      const some = permutation(7, keyOf(seed)).slice(0, size);
      const alone = await attack.minimize(
        noisy(victim),
        takeRows(x, some),
        some.map((i) => labels[i]),
        some.map((i) => keys[i]),
      );
      expect(alone.adversarial.data).toEqual(takeRows(together.adversarial, some).data);
      expect(alone.found).toEqual(some.map((i) => together.found[i]));
    }),
    { numRuns: 8 },
  );
});

describe("keeps the closest adversarial point that an image was ever at:", () => {
  const steps = { steps: 20, initialConstant: 0.5, abortEarly: false };
  const cases = [
    { which: "the last one", index: 0, options: { ...steps, searches: 1, learningRate: 0.1 } },
    { which: "one of many", index: 2, options: { ...steps, searches: 1, learningRate: 0.1 } },
    {
      which: "one of the first search",
      index: 2,
      options: { ...steps, searches: 3, learningRate: 0.2 },
    },
  ];
  it.each(cases)("$which", async ({ index, options }) => {
    const given = await linearClassifier(10, [0.1, 0.2, 0.3]);
    const x = rows(given.x, index, index + 1);
    const [label, key] = [given.labels[index], given.keys[index]];
    const asked = remembering(given.victim);
    const { adversarial } = await cw(options).minimize(asked, x, [label], [key]);
    const lengths = [];
    for (const point of asked.calls)
      if (argmaxRows(await given.victim.logits(point.x, point.keys))[0] !== label)
        lengths.push(balls.l2.norm(sub(point.x, x))[0]);
    expect(lengths.length).toBeGreaterThan(3);
    expect(balls.l2.norm(sub(adversarial, x))[0]).toBe(Math.min(...lengths));
  });
});

it("never leaves the box, also from its corners, where it is not stuck", async () => {
  const { victim, labels, keys } = await linearClassifier(10, [0.1, 0.2, 0.3, 0.4]);
  const x = tensor(
    [4, 10],
    uniform(keys, [4, 10], -1, 2).data.map((v) => Math.min(1, Math.max(0, v))),
  );
  expect([0, 1].every((edge) => x.data.includes(edge))).toBe(true);
  const asked = remembering(victim);
  // A step of 2 in w crosses half of the box.
  const { adversarial } = await cw({ learningRate: 2 }).minimize(asked, x, labels, keys);
  for (const { data } of [adversarial, ...asked.calls.map((call) => call.x)])
    expect(data.every((v) => v >= 0 && v <= 1)).toBe(true);
  const edges = [...x.data.keys()].filter((i) => x.data[i] === 0 || x.data[i] === 1);
  expect(edges.some((i) => Math.abs(adversarial.data[i] - x.data[i]) > 0.01)).toBe(true);
});

it("is misclassified by more than the confidence asked for", async () => {
  const { victim, x, labels, keys } = await linearClassifier(10, [0.1, 0.2]);
  const { adversarial, found } = await cw({ confidence: 0.3 }).minimize(victim, x, labels, keys);
  const z = (await victim.logits(adversarial, keys)).data;
  expect(found).toEqual([true, true]);
  for (const [i, label] of labels.entries()) {
    expect(z[2 * i + 1 - label] - z[2 * i + label]).toBeGreaterThan(0.3);
    expect(z[2 * i + 1 - label] - z[2 * i + label]).toBeLessThan(0.4);
  }
});

it("judges by the logits: the mean of the draws' margins is larger than the margin of their mean", async () => {
  const { victim, x, labels, keys } = await linearClassifier(10, [0.1, 0.2]);
  const flattering: Victim = {
    ...victim,
    async lossAndGradient(...asked) {
      const answer = await victim.lossAndGradient(...asked);
      return { ...answer, losses: answer.losses.map((loss) => loss + 1) };
    },
  };
  const [one, other] = [victim, flattering].map((v) => cw().minimize(v, x, labels, keys));
  expect(await other).toEqual(await one);
});

it("has its authors' settings by default, but for 60 steps", () => {
  expect(cw().options).toEqual({
    steps: 60,
    searches: 9,
    learningRate: 0.01,
    initialConstant: 1e-3,
    confidence: 0,
    abortEarly: true,
  } satisfies ReturnType<typeof CwOptions.parse>);
});

it("takes an empty batch for what it is", async () => {
  const { victim } = await linearClassifier(10, []);
  expect((await cw().minimize(victim, tensor([0, 10]), [], [])).found).toEqual([]);
});

describe("C&W refuses", () => {
  const broken: Victim = {
    ...linearVictim(tensor([2, 4]), [0, 0]),
    async lossAndGradient(x) {
      const gradient = tensor(x.shape, Array(x.data.length).fill(Number.NaN));
      return { losses: new Float32Array(x.shape[0]), logits: tensor([x.shape[0], 2]), gradient };
    },
  };
  const attempt = async (change: Record<string, unknown>) => {
    const { victim, x, labels, keys } = { ...(await linearClassifier(4, [0.1, 0.1])), ...change };
    return cw().minimize(victim, x, labels, keys);
  };
  const cases = [
    ["pixels above 1", { x: tensor([2, 4], [0, 1, 0, 1, 0, 255, 0, 0]) }, "pixel 5 of the batch"],
    ["a missing key", { keys: keysOf(1) }, "got 2 labels and 1 keys"],
    [
      "a label without output",
      { labels: [2, 0] },
      "label 0 of the batch is 2, but the model has 2",
    ],
    ["a gradient of NaN", { victim: broken }, "the gradient is NaN at pixel 0"],
  ] as const;
  it.each(cases)("%s", (_, change, message) => expect(attempt(change)).rejects.toThrow(message));
});

it("C&W takes logits of NaN for a wrong answer, not for robustness", async () => {
  const { x, labels, keys } = await linearClassifier(4, [0.1, 0.1]);
  const victim = linearVictim(tensor([2, 4]), [Number.NaN, 0]);
  const { adversarial, found } = await runMinimal(cw(), victim, x, labels, keys);
  expect(found).toEqual(labels.map(() => true));
  expect(adversarial.data).toEqual(x.data);
});
