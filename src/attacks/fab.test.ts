import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { keyOf } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { apgd } from "./apgd.ts";
import { fab } from "./fab.ts";
import type { Victim } from "./victim.ts";

/** Class 1 begins at a sum of 2.4: grey images of four pixels are 0.1 away from it in ℓ∞. */
const classifier = linearVictim(tensor([2, 4], [0, 0, 0, 0, 1, 1, 1, 1]), [2.4, 0]);
const grey = tensor([1, 4], [0.5, 0.5, 0.5, 0.5]);

/** The same victim, and the first pixel of every image that it was asked about. */
function remembering(victim: Victim) {
  const asked = { logits: [] as number[], gradients: [] as number[] };
  const first = ({ data }: Tensor) => Number(data[0].toFixed(5));
  const remembered: Victim = {
    logits(x, keys) {
      asked.logits.push(first(x));
      return victim.logits(x, keys);
    },
    lossAndGradient(x, loss, keys) {
      asked.gradients.push(first(x));
      return victim.lossAndGradient(x, loss, keys);
    },
  };
  return { asked, victim: remembered };
}

it("FAB goes 5 % beyond the boundary, a tenth of the way back, and ends where the margin is interpolated to be 0", async () => {
  const { asked, victim } = remembering(classifier);
  await fab({ norm: "linf", steps: 2 }).minimize(victim, grey, [0], [keyOf(1)]);
  expect(asked.gradients).toEqual([0.5, 0.5945]); // 0.1 × 1.05 × 0.9 from x
  // x, then 1.05 of 0.1; then, from 0.0945, 0.0055 × 1.05 further, drawn to 0.105 by α = 0.0055 / (0.0055 + 0.1).
  const alpha = 0.0055 / 0.1055;
  const second = 0.5 + (1 - alpha) * (0.0945 + 0.0055 * 1.05) + alpha * 0.105;
  expect(asked.logits.slice(0, 3)).toEqual([0.5, 0.605, Number(second.toFixed(5))]);
  expect(asked.logits.slice(3)).toHaveLength(3);
  for (const at of asked.logits.slice(3)) expect(at).toBeCloseTo(0.6, 4);
});

it("FAB leaves an image alone once it is close enough", async () => {
  const { asked, victim } = remembering(classifier);
  const attack = fab({ norm: "linf", steps: 50, enough: 0.12 });
  const { found } = await attack.minimize(victim, grey, [0], [keyOf(1)]);
  expect(found).toEqual([true]);
  expect([asked.gradients.length, asked.logits.length]).toEqual([1, 2]);
});

it("Auto-PGD returns the point that is misclassified, also where another one had a higher loss", async () => {
  const losses = [7, 9, 1, 8];
  let visit = 0;
  const victim: Victim = {
    logits: async () => tensor([1, 2], [1, 0]),
    async lossAndGradient(x) {
      const loss = losses[visit++];
      const logits = tensor([1, 2], loss === 1 ? [0, 1] : [1, 0]);
      return { losses: Float32Array.of(loss), logits, gradient: tensor(x.shape, [1, 1, 1, -1]) };
    },
  };
  const seen: string[] = [];
  const watched: Victim = {
    ...victim,
    lossAndGradient(x, loss, keys) {
      seen.push([...x.data].join());
      return victim.lossAndGradient(x, loss, keys);
    },
  };
  const attack = apgd({ norm: "l2", epsilon: 0.2, loss: "ce", steps: 3 });
  const adversarial = await attack.perturb(watched, grey, [0], [keyOf(1)]);
  expect(visit).toBe(3); // and asks no more once it is
  expect([...adversarial.data].join()).toBe(seen[2]);
  expect(seen[2]).not.toBe(seen[1]);
});
