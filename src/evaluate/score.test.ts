import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { watchedNoise } from "../../test/fixtures/watched-noise.ts";
import { withNoise } from "../defenses/with-noise.ts";
import { normal, uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { noiseNamed } from "../noise/table.ts";
import { ruleNamed } from "./rule.ts";
import { decisions } from "./score.ts";

const indices = [0, 1, 2, 3, 4];
const keys = keysFor(keyOf(1), indices);
const x = uniform(keysFor(keyOf(2), indices), [5, 6]);
const network = linearVictim(normal(keysFor(keyOf(3), [0, 1, 2]), [3, 6], 2), [0, 0.5, 1]);

it("scoring says what noise comes next, and decides the same in batches of any size", async () => {
  const { noise, prefetched } = watchedNoise();
  const scoring = { rule: ruleNamed("majority:3"), draws: 6, batch: 8 };
  const decided = await decisions(withNoise(network, noise), x, keys, scoring);
  expect(prefetched()).toEqual([false, true, true, true]);
  const plain = withNoise(network, noiseNamed("normal:0.25"));
  expect(await decisions(plain, x, keys, { ...scoring, batch: 30 })).toEqual(decided);
});
