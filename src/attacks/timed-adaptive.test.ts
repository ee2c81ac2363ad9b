import { expect, it } from "vitest";
import { IMAGES, indices, keys, victim, x } from "../../test/fixtures/ten-images.ts";
import { marginsOf } from "../losses/margin.ts";
import { argmaxRows } from "../math/tensor.ts";
import type { AttackBall, Progress } from "./adaptive-search.ts";
import { runBounded } from "./harness.ts";
import { timedAdaptive } from "./timed-adaptive.ts";
import type { Victim } from "./victim.ts";

/** The attack, ended after so many questions to the clock. */
async function attacked(
  asks: number,
  batch = 4,
  ball: AttackBall = { norm: "linf", epsilon: 0.01 },
  attacks: Victim = victim,
) {
  const labels = argmaxRows(await victim.logits(x, keys));
  let asked = 0;
  let progress: readonly Progress[] = [];
  let finished = false;
  const attack = timedAdaptive({
    ...ball,
    batch,
    options: {},
    isOver: () => asked++ >= asks,
    onProgress(found, hasFinished) {
      progress = found;
      finished = hasFinished;
    },
  });
  const result = await runBounded(attack, attacks, x, labels, keys);
  return { result, progress, finished };
}

it("a longer attack begins with the steps of a shorter one: no margin is lost", async () => {
  let before: readonly Progress[] = [];
  for (const asks of [0, 3, 12, 60, 400]) {
    const { progress } = await attacked(asks);
    expect(progress).toHaveLength(IMAGES);
    for (const [i, { margin }] of before.entries())
      expect(progress[i].margin).toBeGreaterThanOrEqual(margin);
    before = progress;
  }
  expect(before.some(({ margin }) => margin > 0)).toBe(true);
  expect(before.some(({ margin }) => margin < 0)).toBe(true);
});

it("no time is clean accuracy, and the same time gives the same bytes", async () => {
  const none = await attacked(0);
  expect(none.result.adversarial.data).toEqual(x.data);
  expect(none.progress.every(({ steps }) => steps === 0)).toBe(true);
  const [one, other] = [await attacked(60), await attacked(60)];
  expect(one.result.adversarial.data).toEqual(other.result.adversarial.data);
  expect(one.progress).toEqual(other.progress);
});

it("every image gets its first steps before any gets more", async () => {
  // A batch of 4 asks before each of 5 steps.
  const { progress } = await attacked(8);
  expect(progress.filter(({ steps }) => steps > 0).length).toBeLessThanOrEqual(8);
  const later = await attacked(20);
  const standing = later.progress.filter(({ margin }) => !(margin > 0));
  expect(standing.every(({ steps }) => steps >= 5)).toBe(true);
});

it("a batch has begun once its first round ended, whatever broke before the clock stopped", async () => {
  // The batches hold images 0 to 3, 4 to 7, 8 and 9.
  const batches = (begun: readonly boolean[]) => [begun[0], begun[4], begun[8]];
  const counts: number[] = [];
  for (let asks = 0; asks <= 25; asks++) {
    const { progress } = await attacked(asks);
    const begun = progress.map((one) => one.begun);
    expect(begun).toEqual(begun.map((_, i) => begun[i - (i % 4)]));
    for (const [i, one] of progress.entries())
      if (begun[i]) expect(one.margin > 0 || one.steps >= 5).toBe(true);
    counts.push(batches(begun).filter(Boolean).length);
  }
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  // Before the round the clock is asked once, and before each of 5 steps; the first batch needs all of them.
  expect([counts[0], counts[5], counts[6], counts[25]]).toEqual([0, 0, 1, 3]);
});

it("ends by itself once nothing may fall, and is then as good as with any batch", async () => {
  const [one, other] = [await attacked(1e9), await attacked(1e9, 10)];
  expect([one.finished, other.finished, (await attacked(60)).finished]).toEqual([
    true,
    true,
    false,
  ]);
  expect(one.result.members.map((member) => member === null)).toEqual(
    other.result.members.map((member) => member === null),
  );
  expect([...one.result.adversarial.data]).toEqual([...other.result.adversarial.data]);
  expect(Math.max(...one.progress.map(({ steps }) => steps))).toBeGreaterThanOrEqual(5 + 15 + 60);
});

it("an image in ℓ1 is thoroughly attacked once a long round took it to the end", async () => {
  const standing = async (asks: number) => {
    const { progress } = await attacked(asks, 10, { norm: "l1", epsilon: 0.05 });
    return progress.filter(
      ({ margin, cleanMargin }) => !(margin > 0) && margin / cleanMargin < 0.6,
    );
  };
  // 200 questions to the clock do not reach the thorough rounds.
  const [early, late] = [await standing(200), await standing(1e9)];
  expect(early.length).toBeGreaterThan(0);
  expect(late.length).toBeGreaterThan(0);
  expect(early.map(({ thorough }) => thorough)).toEqual(early.map(() => false));
  expect(late.map(({ thorough }) => thorough)).toEqual(late.map(() => true));
});

it.each([
  ["linf", 0.01],
  ["l1", 0.05],
] as const)(
  "the margins in %s are those of the points, wherever the clock cut",
  async (norm, epsilon) => {
    const labels = argmaxRows(await victim.logits(x, keys));
    const cuts = indices(60).map((i) => i + 10 * Math.floor(i / 10) ** 2);
    for (const asks of cuts) {
      const { result, progress } = await attacked(asks, 10, { norm, epsilon });
      const margins = marginsOf(await victim.logits(result.adversarial, keys), labels);
      for (const [i, { margin }] of progress.entries()) expect(margin).toBeCloseTo(margins[i], 5);
    }
  },
);

it("an image counts as searched once random search made its first 20 queries", async () => {
  const seen = new Set<boolean>();
  for (let asks = 20; asks <= 90; asks++) {
    let queries = 0;
    const counting: Victim = {
      ...victim,
      logits(...call) {
        queries++;
        return victim.logits(...call);
      },
    };
    const { progress } = await attacked(asks, 10, { norm: "linf", epsilon: 0.001 }, counting);
    const isSearched = progress.some(({ searched }) => searched);
    seen.add(isSearched);
    if (isSearched) expect(queries).toBeGreaterThanOrEqual(20);
    if (queries >= 60) expect(isSearched).toBe(true);
  }
  expect(seen).toEqual(new Set([false, true]));
});
