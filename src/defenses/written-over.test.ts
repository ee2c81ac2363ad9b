// A victim may write an answer over an earlier one that it is given back: whoever gives one back must have read it.
import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { cw } from "../attacks/cw.ts";
import { withMaxBatch } from "../attacks/max-batch.ts";
import { pgd, pgdTargeted } from "../attacks/pgd.ts";
import type { Victim } from "../attacks/victim.ts";
import { normal, uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { noiseNamed } from "../noise/table.ts";
import { type EotObjective, withEot } from "./with-eot.ts";
import { withNoise } from "./with-noise.ts";

const indices = [0, 1, 2, 3, 4];
const keys = keysFor(keyOf(1), indices);
const labels = [0, 1, 2, 0, 1];
const x = uniform(keysFor(keyOf(2), indices), [5, 6]);
const network = linearVictim(normal(keysFor(keyOf(3), [0, 1, 2]), [3, 6], 2), [0, 0.5, 1]);

/** The same network, which spoils what it is given back, and writes the next answer there where it has room. */
function writing() {
  let times = 0;
  const victim: Victim = {
    ...network,
    async lossAndGradient(images, loss, own, hints) {
      const answer = await network.lossAndGradient(images, loss, own);
      const over = hints?.reuse;
      if (over === undefined) return answer;
      times++;
      over.losses.fill(Number.NaN);
      over.logits.data.fill(Number.NaN);
      over.gradient.data.fill(Number.NaN);
      if (over.gradient.shape[0] !== own.length) return answer;
      over.logits.data.set(answer.logits.data);
      over.gradient.data.set(answer.gradient.data);
      const { logits, gradient } = over;
      return {
        losses: answer.losses,
        logits: tensor(logits.shape, logits.data),
        gradient: tensor(gradient.shape, gradient.data),
      };
    },
  };
  return { victim, times: () => times };
}

const attacks = {
  PGD: pgd({ norm: "linf", epsilon: 0.1, steps: 4, stopWhenBroken: false }),
  "PGD that stops": pgd({ norm: "l2", epsilon: 0.3, steps: 6, stopWhenBroken: true }),
  "targeted PGD, with momentum": pgdTargeted({ norm: "linf", epsilon: 0.1, steps: 4, restarts: 2 }),
};
const noise = noiseNamed("normal:0.25");
const eot = (objective: EotObjective) => (victim: Victim) =>
  withEot(withNoise(victim, noise), 3, 5, objective);

it.each(Object.entries(attacks))("%s has read what it gives back", async (_, attack) => {
  const { victim, times } = writing();
  const expected = await attack.perturb(network, x, labels, keys);
  expect(await attack.perturb(victim, x, labels, keys)).toEqual(expected);
  expect(times()).toBeGreaterThan(2);
});

it("a victim in runs passes on what fits into one", async () => {
  const { victim, times } = writing();
  const expected = await attacks.PGD.perturb(network, x, labels, keys);
  expect(await attacks.PGD.perturb(withMaxBatch(victim, 5), x, labels, keys)).toEqual(expected);
  expect(times()).toBe(3);
  expect(await attacks.PGD.perturb(withMaxBatch(victim, 2), x, labels, keys)).toEqual(expected);
  expect(times()).toBe(3);
});

it.each(["mean-loss", "mean-probability"] as const)("EOT has, of its %s", async (objective) => {
  const { victim, times } = writing();
  const wrap = eot(objective);
  const expected = await attacks.PGD.perturb(wrap(network), x, labels, keys);
  expect(await attacks.PGD.perturb(wrap(victim), x, labels, keys)).toEqual(expected);
  expect(times()).toBe(8);
});

it("C&W has", async () => {
  const { victim, times } = writing();
  const attack = cw({ steps: 10, searches: 3 });
  const expected = await attack.minimize(network, x, labels, keys);
  expect(await attack.minimize(victim, x, labels, keys)).toEqual(expected);
  expect(times()).toBeGreaterThan(5);
});
