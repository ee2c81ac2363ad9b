import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { watchedNoise } from "../../test/fixtures/watched-noise.ts";
import { withMaxBatch } from "../attacks/max-batch.ts";
import { pgd } from "../attacks/pgd.ts";
import type { Victim } from "../attacks/victim.ts";
import { normal, uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import { noiseNamed } from "../noise/table.ts";
import { noiseInjection, randomizedAdversarialTraining } from "./objectives.ts";
import { type EotObjective, withEot, withFixedKeys } from "./with-eot.ts";
import { withNoise } from "./with-noise.ts";

const indices = [0, 1, 2, 3, 4];
const keys = keysFor(keyOf(1), indices);
const labels = [0, 1, 2, 0, 1];
const x = uniform(keysFor(keyOf(2), indices), [5, 6]);
const network = linearVictim(normal(keysFor(keyOf(3), [0, 1, 2]), [3, 6], 2), [0, 0.5, 1]);
const attack = pgd({ norm: "linf", epsilon: 0.1, steps: 4, stopWhenBroken: false });

const eot = (objective: EotObjective, maxBatch: number) => (victim: Victim) =>
  withEot(victim, 3, maxBatch, objective);

// The first draw of an attack is not prefetched; every later one is.
it.each<[string, (victim: Victim) => Victim, number]>([
  ["one draw a step", (victim) => victim, 4],
  ["EOT, mean loss", eot("mean-loss", 4), 16],
  ["EOT, mean loss in one batch", eot("mean-loss", 100), 4],
  ["EOT, mean logits", eot("mean-logits", 7), 12],
  ["EOT, mean probability", eot("mean-probability", 4), 16],
  ["EOT on the same draws", (v) => withFixedKeys(withEot(v, 3, 4), keys), 16],
  ["EOT, mean logits in two passes", eot("mean-logits", 2), 64],
  ["a victim in small batches", (v) => withMaxBatch(v, 2), 12],
])("PGD prefetches the noise of its next call: %s", async (_, wrap, calls) => {
  const { noise, prefetched } = watchedNoise();
  await attack.perturb(wrap(withNoise(network, noise)), x, labels, keys);
  expect(prefetched()).toEqual(Array.from({ length: calls }, (_, i) => i > 0));
});

it("PGD prefetches while broken examples leave the batch", async () => {
  const { noise, prefetched } = watchedNoise();
  const leaving = pgd({ norm: "linf", epsilon: 0.1, steps: 4, stopWhenBroken: true });
  const plain = withNoise(network, noiseNamed("normal:0.25"));
  const reached = await leaving.perturb(withNoise(network, noise), x, labels, keys);
  expect(reached).toEqual(await leaving.perturb(plain, x, labels, keys));
  // Examples that have just left are still prefetched once.
  expect(prefetched()).toContain(true);
});

it.each<["fresh" | "fixed" | "injection", readonly boolean[]]>([
  ["injection", [true]],
  ["fixed", [true]],
  // The first draw of the attack is not prefetched. The noise that training adds is drawn while the attack runs.
  ["fresh", [false, true, true, true, true]],
])("a defence prefetches its noise: %s", async (kind, expected) => {
  const { noise, prefetched } = watchedNoise();
  const objective =
    kind === "injection"
      ? noiseInjection(noise)
      : randomizedAdversarialTraining(attack, noise, kind);
  objective.prefetch?.(keys, x.shape);
  const examples: Tensor = await objective.examples(network, x, labels, keys);
  expect(prefetched()).toEqual(expected);
  const without = noiseNamed("normal:0.25");
  const same =
    kind === "injection"
      ? noiseInjection(without)
      : randomizedAdversarialTraining(attack, without, kind);
  expect(examples).toEqual(await same.examples(network, x, labels, keys));
});
