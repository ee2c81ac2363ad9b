import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import type { Victim } from "../attacks/victim.ts";
import { ce } from "../losses/ce.ts";
import { foldAll, type Key, keyOf, keysFor } from "../math/random.ts";
import { sub, type Tensor, tensor } from "../math/tensor.ts";
import { noiseNamed } from "../noise/table.ts";
import { withNoise } from "./with-noise.ts";

const keys = keysFor(keyOf(2), [0, 1]);
const x = tensor([2, 3], [0, 0.5, 1, 1, 1, 1]);
const network = linearVictim(tensor([2, 3], [1, 2, 3, 4, 5, 6]), [0, 0]);
const noise = noiseNamed("normal:0.25");

/** What reaches the network when the noisy one is asked. */
async function reached() {
  const seen: { x: Tensor; keys: readonly Key[] }[] = [];
  const watching: Victim = {
    logits(batch, own) {
      seen.push({ x: batch, keys: own });
      return network.logits(batch, own);
    },
    lossAndGradient(batch, loss, own) {
      seen.push({ x: batch, keys: own });
      return network.lossAndGradient(batch, loss, own);
    },
  };
  await withNoise(watching, noise).logits(x, keys);
  await withNoise(watching, noise).lossAndGradient(x, ce([0, 1]), keys);
  return seen;
}

it("adds one draw of each example's key, not clipped, alike for logits and gradients", async () => {
  const [first, second] = await reached();
  expect(second.x.data).toEqual(first.x.data);
  const added = sub(first.x, x).data;
  const drawn = noise.sample(foldAll(keys, 0), [2, 3]).data;
  for (const [i, v] of added.entries()) expect(v).toBeCloseTo(drawn[i], 6);
  expect(first.x.data.some((v) => v < 0 || v > 1)).toBe(true);
});

it("hands on keys that are neither its own nor its noise's", async () => {
  const used = [...keys, ...foldAll(keys, 0)].map(String);
  for (const { keys: own } of await reached())
    for (const key of own) expect(used).not.toContain(String(key));
});
