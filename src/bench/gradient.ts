import { keyOf, keysFor } from "../math/random.ts";
import { rows } from "../math/tensor.ts";
import { classifier } from "../models/classifier.ts";
import { flopsPerImage } from "../models/flops.ts";
import type { Work } from "./work.ts";

/** Loss and ∂L/∂x of one batch with frozen weights and running statistics: one step of an attack. */
export const frozenGradient: Work = {
  title: "loss and ∂L/∂x, frozen",
  kind: "gradient",
  effort: (batch) => ({ images: batch, steps: 1, searches: 1, eot: 1, draws: 1 }),
  flops: ({ network, batch }) => batch * flopsPerImage(network).gradient,
  async open(runtime, { network, parameters, x, labels, batch, seed }) {
    const victim = classifier(runtime, network, parameters);
    const [first, own] = [rows(x, 0, batch), labels.slice(0, batch)];
    const keys = keysFor(keyOf(seed), [...own.keys()]);
    return {
      async step() {
        const run = await victim.lossAndGradient(first, { kind: "ce", labels: own }, keys);
        const loss = run.losses.reduce((total, one) => total + one, 0) / batch;
        return { loss, arrays: { gradient: run.gradient } };
      },
      release: () => victim.release(),
    };
  },
  async check(runtime, task) {
    const open = await frozenGradient.open(runtime, task);
    const numbers = await open.step();
    await open.release();
    return numbers;
  },
};
