import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { ce } from "../losses/ce.ts";
import { dlrTargeted } from "../losses/dlr-targeted.ts";
import { normal, uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { withMaxBatch } from "./max-batch.ts";
import type { Victim } from "./victim.ts";

const keys = keysFor(keyOf(1), [0, 1, 2, 3, 4, 5, 6]);
const x = uniform(keys, [7, 5]);
const labels = [0, 1, 2, 3, 0, 1, 2];
const victim = linearVictim(normal(keysFor(keyOf(2), [0, 1, 2, 3]), [4, 5]), [0, 0, 0, 0]);

it("gives what the whole batch gives, from runs of at most so many rows", async () => {
  const sizes: number[] = [];
  const watching: Victim = {
    logits(at, own) {
      sizes.push(own.length);
      return victim.logits(at, own);
    },
    lossAndGradient(at, loss, own) {
      sizes.push(own.length);
      return victim.lossAndGradient(at, loss, own);
    },
  };
  const parted = withMaxBatch(watching, 3);
  expect(await parted.logits(x, keys)).toEqual(await victim.logits(x, keys));
  for (const loss of [ce(labels), dlrTargeted(labels, [1, 2, 3, 0, 1, 2, 3])])
    expect(await parted.lossAndGradient(x, loss, keys)).toEqual(
      await victim.lossAndGradient(x, loss, keys),
    );
  expect(sizes).toEqual([3, 3, 1, 3, 3, 1, 3, 3, 1]);
});
