// What is true of every attack, on linear classifiers whose distances are known. Each row of the tables is tested.
// It has over 300 lines, since all properties share their classifiers.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { normal, permutation, uniform } from "../math/distributions.ts";
import { type Key, keyOf, keysFor } from "../math/random.ts";
import {
  add,
  argmaxRows,
  rows,
  type Shape,
  sub,
  type Tensor,
  takeRows,
  tensor,
} from "../math/tensor.ts";
import { distancesOf } from "./exact-projection.ts";
import { runBounded, runMinimal } from "./harness.ts";
import { attackNamed, attackNames, minimalAttackNamed, minimalAttackNames } from "./table.ts";
import type { Norm, Victim } from "./victim.ts";

const dual = {
  linf: (w: Float32Array) => w.reduce((sum, v) => sum + Math.abs(v), 0),
  l2: (w: Float32Array) => Math.hypot(...w),
  l1: (w: Float32Array) => Math.max(...w.map(Math.abs)),
};

/** A linear classifier whose boundaries pass through grey, images near grey, and their distances to the nearest one. */
async function linearClassifier(batch: number, classes: number, pixels: Shape = [2, 4, 4]) {
  const d = pixels.reduce((size, n) => size * n, 1);
  const every = Array.from({ length: classes }, (_, j) => j);
  const weights = normal(keysFor(keyOf(1), every), [classes, d]);
  const w = (j: number) => rows(weights, j, j + 1);
  const victim = linearVictim(
    weights,
    every.map((j) => -0.5 * w(j).data.reduce((s, v) => s + v, 0)),
  );
  const indices = Array.from({ length: batch }, (_, i) => i);
  const x = uniform(keysFor(keyOf(2), indices), [batch, ...pixels], 0.45, 0.55);
  const keys = keysFor(keyOf(3), indices);
  const z = await victim.logits(x, keys);
  const labels = argmaxRows(z);
  const distances = (norm: Norm) =>
    labels.map((y, i) =>
      Math.min(
        ...every
          .filter((j) => j !== y)
          .map(
            (j) =>
              (z.data[classes * i + y] - z.data[classes * i + j]) /
              dual[norm](sub(w(y), w(j)).data),
          ),
      ),
    );
  return { victim, x, labels, keys, distances };
}

/** The same victim behind normal noise: what it answers depends on the key. */
const noisy = (victim: Victim): Victim => ({
  logits: (x, keys) => victim.logits(add(x, normal(keys, x.shape, 0.05)), keys),
  lossAndGradient: (x, loss, keys) =>
    victim.lossAndGradient(add(x, normal(keys, x.shape, 0.05)), loss, keys),
});

/** The same victim, and every key that it was asked with. */
function remembering(victim: Victim) {
  const used: { readonly logits: string[]; readonly losses: string[] } = { logits: [], losses: [] };
  const remembered: Victim = {
    logits(x, keys) {
      used.logits.push(...keys.map(String));
      return victim.logits(x, keys);
    },
    lossAndGradient(x, loss, keys) {
      used.losses.push(...keys.map(String));
      return victim.lossAndGradient(x, loss, keys);
    },
  };
  return { used, victim: remembered };
}

/** In ℓ0, whose distances are whole numbers, three pixels; l0.test.ts tests its distances. */
const radius = (epsilon: number) => ({
  epsilonLinf: epsilon,
  epsilonL2: epsilon,
  epsilonL1: epsilon,
  epsilonL0: 3,
});

/** Images at the corners and edges of the box. */
const atEdges = (keys: readonly Key[], shape: Shape) =>
  tensor(
    shape,
    uniform(keys, shape, -1, 2).data.map((v) => Math.min(1, Math.max(0, v))),
  );

const inBox = ({ data }: Tensor) => data.every((v) => v >= 0 && v <= 1);
const taken = <T>(all: readonly T[], some: readonly number[]) => some.map((i) => all[i]);

/** How far outside the distance an attack must succeed, where it is not 5 %; its search is random, or it has one step. */
const reach: Readonly<Record<string, number>> = {
  "square-l2": 2,
  "square-l1": 2.5,
  "autoattack-l1-rand": 1.1,
};

const familyOf = (name: string) => name.replace(/-(linf|l2|l1)(?=$|-)/, "");
/** They try every class. */
const aimsAtAll = (name: string) => ["pgd-t", "apgd-t", "autoattack"].includes(familyOf(name));

/** They move whatever they are given, as their authors have it; a copy of one of them belongs here, too. */
const movers = ["pgd", "pgd-t", "fgsm", "autoattack-rand"];
const movesAll = (name: string) => movers.includes(familyOf(name));
describe.each(attackNames)("%s", (name) => {
  const { norm } = attackNamed(name);

  it.each([2, 3, 5])(
    "breaks nothing inside the distance, all outside it: %i classes",
    async (classes) => {
      if (norm === "l0") return;
      const { victim, x, labels, keys, distances } = await linearClassifier(7, classes);
      const [nearest, farthest] = [Math.min(...distances(norm)), Math.max(...distances(norm))];
      const inside = attackNamed(name, { ...radius(0.95 * nearest), squareQueries: 500 });
      const kept = (await runBounded(inside, victim, x, labels, keys)).adversarial;
      expect(argmaxRows(await victim.logits(kept, keys))).toEqual(labels);
      // An untargeted ascent need not head for the nearest of several classes.
      if (classes > 2 && !aimsAtAll(name)) return;
      const outside = attackNamed(name, radius((reach[name] ?? 1.05) * farthest));
      const { adversarial } = await runBounded(outside, victim, x, labels, keys);
      const decided = argmaxRows(await victim.logits(adversarial, keys));
      expect(decided.map((one, i) => one !== labels[i])).toEqual(labels.map(() => true));
    },
  );

  it("stays in the ball and in the box, also from images at the edge of it", async () => {
    const { victim, keys } = await linearClassifier(9, 5);
    const x = atEdges(keys, [9, 2, 4, 4]);
    const labels = argmaxRows(await victim.logits(x, keys));
    const epsilon = { linf: 0.3, l2: 0.6, l1: 0.9, l0: 3 }[norm];
    for (const stopWhenBroken of [true, false]) {
      const attack = attackNamed(name, { ...radius(Math.min(epsilon, 0.9)), stopWhenBroken });
      const adversarial = await attack.perturb(victim, x, labels, keys);
      expect(inBox(adversarial)).toBe(true);
      for (const length of distancesOf(adversarial, x, norm))
        expect(length).toBeLessThanOrEqual(epsilon + 2e-6);
    }
  });

  it.each([true, false])(
    "batch and order change no bit, with noise; stopping: %s",
    async (stopWhenBroken) => {
      const { victim, x, labels, keys, distances } = await linearClassifier(7, 5);
      const own = norm === "l0" ? "l1" : norm;
      const epsilon = Math.min(...distances(own)) + 0.3 * Math.max(...distances(own));
      const attack = attackNamed(name, { ...radius(epsilon), ...few, stopWhenBroken, restarts: 2 });
      const together = await attack.perturb(noisy(victim), x, labels, keys);
      await fc.assert(
        fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 7 }), async (seed, size) => {
          const some = permutation(7, keyOf(seed)).slice(0, size);
          const own = [taken(labels, some), taken(keys, some)] as const;
          const alone = await attack.perturb(noisy(victim), takeRows(x, some), ...own);
          expect(alone.data).toEqual(takeRows(together, some).data);
        }),
        { numRuns: 6 },
      );
    },
  );

  it("returns an image and no NaN where every gradient is zero", async () => {
    const { x, keys } = await linearClassifier(3, 4);
    const flat = linearVictim(tensor([4, 32]), [0, 0, 0, 0]);
    for (const stopWhenBroken of [true, false]) {
      const attack = attackNamed(name, { ...radius(0.1), ...few, stopWhenBroken });
      expect(inBox(await attack.perturb(flat, x, [0, 1, 2], keys))).toBe(true);
    }
  });

  it.skipIf(movesAll(name))("leaves alone what is misclassified from the start", async () => {
    const { victim, x, labels, keys } = await linearClassifier(3, 5);
    const wrong = labels.map((y, i) => (i === 1 ? y : (y + 1) % 5));
    const attack = attackNamed(name, { ...radius(0.2), ...few });
    const adversarial = await attack.perturb(victim, x, wrong, keys);
    for (const i of [0, 2])
      expect(rows(adversarial, i, i + 1).data).toEqual(rows(x, i, i + 1).data);
    expect(rows(adversarial, 1, 2).data).not.toEqual(rows(x, 1, 2).data);
  });

  it("uses no key twice, nor one that it was given, but for a judge's", async () => {
    const { victim, x, labels, keys } = await linearClassifier(3, 5);
    for (const stopWhenBroken of [true, false]) {
      const asked = remembering(noisy(victim));
      const attack = attackNamed(name, { ...radius(0.02), ...few, stopWhenBroken });
      await attack.perturb(asked.victim, x, labels, keys);
      const { losses, logits } = asked.used;
      const judges = !stopWhenBroken || /^(autoattack|pgd-t)/.test(name);
      const used = judges ? losses : [...losses, ...logits];
      expect(new Set([...keys.map(String), ...used]).size).toBe(keys.length + used.length);
    }
  });

  it("takes an empty batch for what it is", async () => {
    const { victim } = await linearClassifier(1, 5);
    const attack = attackNamed(name, radius(0.1));
    expect((await attack.perturb(victim, tensor([0, 2, 4, 4]), [], [])).data.length).toBe(0);
  });
});

/** Less of everything, where only bookkeeping is tested. */
const few = { pgdTSteps: 12, apgdSteps: 12, squareQueries: 20, sparseRsQueries: 20, fabSteps: 5 };

/** The largest share of the distance that a minimum-norm attack may need, where it is not 1.02. */
const share: Readonly<Record<string, number>> = {
  "deepfool-linf": 1.05,
  "deepfool-l2": 1.05,
  "ddn-l2": 1.06,
};

/** Those that take steps towards the nearest boundary of each class, and so find it among several classes too. */
const findsNearest = (name: string) => /^(fab|deepfool)/.test(name);

/** What finds distances of a hundredth of the box, and of half of it; the rest is by default. */
const fine = { cwLearningRate: 0.001, cwSteps: 200 };
const coarse = { cwLearningRate: 0.05, cwSteps: 200 };

describe.each(minimalAttackNames)("%s", (name) => {
  const { norm } = minimalAttackNamed(name);

  it.each([2, 3, 5])("finds the distance and nothing below it: %i classes", async (classes) => {
    if (norm === "l0") return;
    const { victim, x, labels, keys, distances } = await linearClassifier(7, classes);
    const result = await runMinimal(minimalAttackNamed(name, fine), victim, x, labels, keys);
    expect(result.found).toEqual(labels.map(() => true));
    const decided = argmaxRows(await victim.logits(result.adversarial, keys));
    expect(decided.map((one, i) => one !== labels[i])).toEqual(labels.map(() => true));
    const ratios = distances(norm).map((distance, i) => result[norm][i] / distance);
    expect(Math.min(...ratios)).toBeGreaterThan(0.9999);
    const allowed = classes === 2 || findsNearest(name) ? (share[name] ?? 1.02) : 3;
    expect(Math.max(...ratios)).toBeLessThan(allowed);
  });

  it("stays in the box, also from images at the edge of it, and finds most of them", async () => {
    const { victim, keys } = await linearClassifier(9, 5);
    const x = atEdges(keys, [9, 2, 4, 4]);
    const labels = argmaxRows(await victim.logits(x, keys));
    const attack = minimalAttackNamed(name, coarse);
    const { adversarial, found } = await attack.minimize(victim, x, labels, keys);
    expect(inBox(adversarial)).toBe(true);
    expect(found.filter(Boolean).length).toBeGreaterThanOrEqual(8);
  });

  it("attacks each image by itself: batch and order change no bit, with noise", async () => {
    const { victim, x, labels, keys } = await linearClassifier(7, 5);
    const attack = minimalAttackNamed(name, fewer);
    const together = await attack.minimize(noisy(victim), x, labels, keys);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 7 }), async (seed, size) => {
        const some = permutation(7, keyOf(seed)).slice(0, size);
        const own = [taken(labels, some), taken(keys, some)] as const;
        const alone = await attack.minimize(noisy(victim), takeRows(x, some), ...own);
        expect(alone.adversarial.data).toEqual(takeRows(together.adversarial, some).data);
        expect(alone.found).toEqual(taken(together.found, some));
      }),
      { numRuns: 6 },
    );
  });

  it("finds nothing where every gradient is zero, and returns x", async () => {
    const { x, keys } = await linearClassifier(3, 4);
    const flat = linearVictim(tensor([4, 32]), [0.5, 0.5, 0.5, 0]);
    const attack = minimalAttackNamed(name, fewer);
    const { adversarial, found } = await attack.minimize(flat, x, [0, 1, 2], keys);
    expect(found).toEqual([false, false, false]);
    expect(adversarial.data).toEqual(x.data);
  });

  it("leaves alone what is misclassified from the start, found at distance 0", async () => {
    const { victim, x, labels, keys } = await linearClassifier(3, 5);
    const wrong = labels.map((y, i) => (i === 1 ? y : (y + 1) % 5));
    const result = await runMinimal(minimalAttackNamed(name, fewer), victim, x, wrong, keys);
    expect(result.l1.map((length) => length > 0)).toEqual([false, true, false]);
    expect(result.found).toEqual([true, true, true]);
  });

  it("uses no key twice, nor one that it was given", async () => {
    const { victim, x, labels, keys } = await linearClassifier(3, 2);
    const asked = remembering(noisy(victim));
    await minimalAttackNamed(name, fewer).minimize(asked.victim, x, labels, keys);
    const all = [...keys.map(String), ...asked.used.losses, ...asked.used.logits];
    expect(new Set(all).size).toBe(all.length);
  });

  it("takes an empty batch for what it is", async () => {
    const { victim } = await linearClassifier(1, 5);
    const attack = minimalAttackNamed(name);
    expect((await attack.minimize(victim, tensor([0, 2, 4, 4]), [], [])).found).toEqual([]);
  });
});

const fewer = {
  cwSteps: 10,
  cwSearches: 2,
  fabSteps: 5,
  ddnSteps: 8,
  fmnSteps: 8,
  deepfoolSteps: 3,
  sigmaZeroSteps: 8,
};
