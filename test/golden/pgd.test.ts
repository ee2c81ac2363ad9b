import { expect, it } from "vitest";
import { ascend } from "../../src/attacks/ascent.ts";
import { pgd } from "../../src/attacks/pgd.ts";
import type { PaperNorm } from "../../src/attacks/victim.ts";
import { ce } from "../../src/losses/ce.ts";
import { keyOf, keysFor } from "../../src/math/random.ts";
import { tensor } from "../../src/math/tensor.ts";
import { twoLayers } from "../fixtures/two-layers.ts";
import golden from "./pgd.json" with { type: "json" };

const { labels } = golden;
const network = twoLayers(golden);
const x = tensor([labels.length, ...golden.pixels], golden.x);
const keys = keysFor(keyOf(0), [...labels.keys()]);

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i])));

it.each(golden.cases)("PGD-$norm agrees with PyTorch to 1e-6 after $steps steps", async (run) => {
  const norm = run.norm as PaperNorm;
  const { epsilon, steps, start } = run;
  const adversarial =
    start === null
      ? await pgd({ norm, epsilon, steps, randomStart: false, stopWhenBroken: false }).perturb(
          network,
          x,
          labels,
          keys,
        )
      : await ascend(
          { norm, epsilon, steps, length: () => epsilon / 5, momentum: 0, stopWhenBroken: false },
          network,
          { x, loss: ce(labels), labels, keys },
          tensor(x.shape, start),
        );
  expect(largest(adversarial.data, run.adversarial)).toBeLessThan(1e-6);
  const { losses } = await network.lossAndGradient(adversarial, { kind: "ce", labels }, keys);
  expect(largest(losses, run.losses)).toBeLessThan(1e-5);
});
