import { expect, it } from "vitest";
import { linearVictim } from "../../src/attacks/linear-victim.ts";
import { linear, lossOfLogits } from "../../src/attacks/losses.ts";
import { ascend, pgd } from "../../src/attacks/pgd.ts";
import type { Norm, Victim } from "../../src/attacks/victim.ts";
import { keyOf, keysFor } from "../../src/math/random.ts";
import { tensor } from "../../src/math/tensor.ts";
import golden from "./pgd.json" with { type: "json" };

const { w1, b1, w2, b2, labels } = golden;
const first = linearVictim(tensor([b1.length, w1.length / b1.length], w1), b1);
const second = linearVictim(tensor([b2.length, b1.length], w2), b2);
const x = tensor([labels.length, ...golden.pixels], golden.x);
const keys = keysFor(keyOf(0), [...labels.keys()]);

/** Two linear layers with a ReLU between them; the chain rule passes each layer as a `linear` loss. */
const network: Victim = {
  async logits(v) {
    const hidden = await first.logits(v, keys);
    return second.logits(
      tensor(
        hidden.shape,
        hidden.data.map((h) => Math.max(h, 0)),
      ),
      keys,
    );
  },
  async lossAndGradient(v, loss) {
    const hidden = await first.logits(v, keys);
    const active = tensor(
      hidden.shape,
      hidden.data.map((h) => Math.max(h, 0)),
    );
    const logits = await second.logits(active, keys);
    const { losses, gradient: dz } = lossOfLogits(loss, logits);
    const { gradient: da } = await second.lossAndGradient(active, linear(dz), keys);
    const dh = tensor(
      da.shape,
      da.data.map((d, i) => (hidden.data[i] > 0 ? d : 0)),
    );
    const { gradient } = await first.lossAndGradient(v, linear(dh), keys);
    return { losses, logits, gradient };
  },
};

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i])));

it.each(golden.cases)("PGD-$norm agrees with PyTorch to 1e-6 after $steps steps", async (run) => {
  const norm = run.norm as Norm;
  const { epsilon, steps, start } = run;
  const adversarial =
    start === null
      ? await pgd({ norm, epsilon, steps, randomStart: false }).perturb(network, x, labels, keys)
      : await ascend(
          { norm, epsilon, steps, stepSize: epsilon / 5 },
          network,
          x,
          tensor(x.shape, start),
          labels,
          keys,
        );
  expect(largest(adversarial.data, run.adversarial)).toBeLessThan(1e-6);
  const { losses } = await network.lossAndGradient(adversarial, { kind: "ce", labels }, keys);
  expect(largest(losses, run.losses)).toBeLessThan(1e-5);
});
