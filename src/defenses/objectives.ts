import type { BoundedAttack, Victim } from "../attacks/victim.ts";
import { foldAll } from "../math/random.ts";
import { add, type Tensor } from "../math/tensor.ts";
import { drawn, type Noise } from "../noise/noise.ts";
import type { Objective } from "./objective.ts";
import { withNoise } from "./with-noise.ts";

/** Training on the clean batch, Eq. (1). */
export const standard: Objective = { name: "standard", examples: async (_, x) => x };

/** Adversarial training (Madry et al. 2018, arXiv:1706.06083; §2.2): the clean batch gives way to its attacked self. */
export function adversarialTraining(attack: BoundedAttack): Objective {
  return {
    name: `at-${attack.norm}`,
    examples: (model, x, labels, keys) => attack.perturb(model, x, labels, keys),
  };
}

/** Noise injection (§4.2): one draw per example, new at every step. */
export function noiseInjection(noise: Noise): Objective {
  return {
    name: `ni-${noise.name}`,
    examples: async (_, x, _labels, keys) => add(x, await drawn(noise, keys, x.shape)),
    prefetch: (keys, shape) => noise.prefetch?.start(keys, shape),
  };
}

/**
 * RAT (§4.3, Eq. 16): adversarial training of the noisy network, attacked as it will be used. With `inner` fixed, one
 * noisy image is drawn and attacked as if it were the image, as the authors' code did: the attack meets one draw
 * only, and training sees that same draw.
 */
export function randomizedAdversarialTraining(
  attack: BoundedAttack,
  noise: Noise,
  inner: "fresh" | "fixed" = "fresh",
): Objective {
  if (inner === "fixed") {
    return {
      name: `rat-${attack.norm}-${noise.name} on one fixed noisy image`,
      async examples(model, x, labels, keys) {
        const eta = await drawn(noise, foldAll(keys, 1), x.shape);
        const shifted = shiftedBy(model, eta);
        return add(await attack.perturb(shifted, x, labels, foldAll(keys, 0)), eta);
      },
      prefetch: (keys, shape) => noise.prefetch?.start(foldAll(keys, 1), shape),
    };
  }
  return {
    name: `rat-${attack.norm}-${noise.name}`,
    async examples(model, x, labels, keys) {
      const noisy = withNoise(model, noise);
      const own = foldAll(keys, 1);
      noise.prefetch?.start(own, x.shape);
      const adversarial = await attack.perturb(noisy, x, labels, foldAll(keys, 0));
      return add(adversarial, await drawn(noise, own, x.shape));
    },
  };
}

/** The network at x + eta, for one eta that does not change; batches must have the shape of eta. */
const shiftedBy = (model: Victim, eta: Tensor): Victim => ({
  logits: (x, keys) => model.logits(add(x, eta), keys),
  lossAndGradient: (x, loss, keys) => model.lossAndGradient(add(x, eta), loss, keys),
});
