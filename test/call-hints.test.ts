// Wrappers of a victim pass hints on without knowing what they say.
import { describe, expect, it } from "vitest";
import { counted } from "../src/attacks/harness.ts";
import { withMaxBatch } from "../src/attacks/max-batch.ts";
import type { CallHints, Victim } from "../src/attacks/victim.ts";
import { type EotObjective, withEot, withFixedKeys } from "../src/defenses/with-eot.ts";
import { withNoise } from "../src/defenses/with-noise.ts";
import { stoppable } from "../src/evaluate/evaluated-model.ts";
import { watched } from "../src/evaluate/watched.ts";
import { ce } from "../src/losses/ce.ts";
import { normal, uniform } from "../src/math/distributions.ts";
import { fold, foldAll, type Key, keyOf, keysFor } from "../src/math/random.ts";
import { noiseNamed } from "../src/noise/table.ts";
import { guarded } from "../src/train/interruption.ts";
import { linearVictim } from "./fixtures/linear-victim.ts";

const indices = [0, 1, 2, 3, 4];
/** Keys that say which example they belong to, as evaluations use them. */
const keysOf = (seed: number): readonly Key[] =>
  keysFor(keyOf(seed), indices).map(([high, low], i) => [high, low, i]);
const [keys, fixed, nextKeys] = [1, 9, 8].map(keysOf);
const labels = [0, 1, 2, 0, 1];
const x = uniform(keysFor(keyOf(2), indices), [5, 6]);
const network = linearVictim(normal(keysFor(keyOf(3), [0, 1, 2]), [3, 6], 2), [0, 0.5, 1]);
const noise = noiseNamed("normal:0.25");

/** A hint of a later version, which no wrapper knows. */
interface LaterHints extends CallHints {
  readonly priority: "low";
}

/** A network that records the hints it is given. */
function recording() {
  const given: (CallHints | undefined)[] = [];
  const victim: Victim = {
    logits(at, own, hints) {
      given.push(hints);
      return network.logits(at, own);
    },
    lossAndGradient(at, loss, own, hints) {
      given.push(hints);
      return network.lossAndGradient(at, loss, own);
    },
  };
  return { victim, given };
}

const eot = (objective: EotObjective, maxBatch: number) => (victim: Victim) =>
  withEot(victim, 3, maxBatch, objective);

/** Each wrapper, and the keys of the first call of the network that the caller's next call becomes. */
const wrappers: readonly [string, (victim: Victim) => Victim, readonly Key[]][] = [
  ["noise", (victim) => withNoise(victim, noise), foldAll(nextKeys, 1)],
  ["fixed keys", (victim) => withFixedKeys(victim, fixed), fixed],
  ["a largest batch", (victim) => withMaxBatch(victim, 2), nextKeys.slice(0, 2)],
  ["a largest batch that fits", (victim) => withMaxBatch(victim, 8), nextKeys],
  ["EOT, mean loss", eot("mean-loss", 5), foldAll(nextKeys, 0)],
  ["EOT, mean probability", eot("mean-probability", 5), foldAll(nextKeys, 0)],
  ["EOT, mean logits in two passes", eot("mean-logits", 2), foldAll(nextKeys, 0).slice(0, 2)],
  ["counting", counted, nextKeys],
  ["watching", watched, nextKeys],
  ["stopping", (victim) => stoppable(victim, undefined), nextKeys],
  ["guarding", (victim) => guarded(victim, () => false), nextKeys],
];

describe.each(wrappers)("%s", (_, wrap, innerKeys) => {
  const hints: LaterHints = { priority: "low", next: { keys: nextKeys, shape: x.shape } };
  it.each(["logits", "lossAndGradient"] as const)(
    "passes unknown hints on to every call of %s, and announces the next one in the last",
    async (method) => {
      const { victim, given } = recording();
      const wrapped = wrap(victim);
      if (method === "logits") await wrapped.logits(x, keys, hints);
      else await wrapped.lossAndGradient(x, ce(labels), keys, hints);
      expect(given.map((own) => (own as LaterHints | undefined)?.priority)).toEqual(
        given.map(() => "low"),
      );
      const shape = [innerKeys.length, 6];
      expect(given.at(-1)?.next).toEqual({ keys: innerKeys, shape });
    },
  );

  it("gives the same answer with hints as without", async () => {
    const wrapped = wrap(network);
    const plain = await wrapped.lossAndGradient(x, ce(labels), keys);
    expect(await wrapped.lossAndGradient(x, ce(labels), keys, hints)).toEqual(plain);
    expect(await wrapped.logits(x, keys, hints)).toEqual(await wrapped.logits(x, keys));
  });
});

it("a call that is split hands the caller's arrays to no part of it", async () => {
  const { victim, given } = recording();
  const reuse = await network.lossAndGradient(x, ce(labels), keys);
  await withMaxBatch(victim, 2).lossAndGradient(x, ce(labels), keys, { reuse });
  await eot("mean-loss", 5)(victim).lossAndGradient(x, ce(labels), keys, { reuse });
  expect(given.length).toBe(6);
  expect(given.some((own) => own?.reuse === reuse)).toBe(false);
});

it("all draws of some examples are announced together, if EOT keeps them together", async () => {
  const { victim, given } = recording();
  const hints = { next: { keys: nextKeys, shape: x.shape } };
  await eot("mean-logits", 6)(victim).lossAndGradient(x, ce(labels), keys, hints);
  const first = [0, 1].flatMap((i) => [0, 1, 2].map((r) => fold(nextKeys[i], r)));
  expect(given.at(-1)?.next).toEqual({ keys: first, shape: [6, 6] });
});
