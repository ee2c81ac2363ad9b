// Equations and sections are those of Araujo et al. 2019, arXiv:1903.10219.
import type { BoundedAttack, Victim } from "../attacks/victim.ts";
import { foldAll } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import { drawNoise, type Noise, underDraw, underNoise } from "../noise/noise.ts";
import type { Objective } from "./objective.ts";
import { withNoise } from "./with-noise.ts";

/** Training on the clean batch (Araujo et al. 2019, arXiv:1903.10219, Eq. 1). */
export const standard: Objective = { name: "standard", examples: async (_, x) => x };

/**
 * Adversarial training (Madry et al. 2018, arXiv:1706.06083; §2.2): trains on the attacked batch [batch, ...pixels] instead of
 * the clean one.
 */
export function adversarialTraining(attack: BoundedAttack): Objective {
  return {
    name: `at-${attack.norm}`,
    examples: (model, x, labels, keys) => attack.perturb(model, x, labels, keys),
  };
}

/**
 * Noise injection (Araujo et al. 2019, arXiv:1903.10219, §4.2): one fresh draw of noise, on the scale of pixels in [0, 1], per
 * example and step.
 */
export function noiseInjection(noise: Noise): Objective {
  return {
    name: `ni-${noise.name}`,
    examples: (_, x, _labels, keys) => underNoise(noise, x, keys),
    prefetch: (keys, shape) => noise.prefetch?.start(keys, shape),
  };
}

/**
 * Randomised adversarial training (RAT; Araujo et al. 2019, arXiv:1903.10219, §4.3, Eq. 16): adversarial training of the noisy
 * network. With `inner` "fresh", the attack draws new noise at each step; the training step uses a further, independent draw. With "fixed", as in
 * the authors' code, one noisy batch [batch, ...pixels] is drawn and attacked, and training sees the same draw.
 */
export function randomizedAdversarialTraining(
  attack: BoundedAttack,
  noise: Noise,
  inner: "fresh" | "fixed" = "fresh",
): Objective {
  return inner === "fixed" ? ratWithFixedNoise(attack, noise) : ratWithFreshNoise(attack, noise);
}

const ratWithFreshNoise = (attack: BoundedAttack, noise: Noise): Objective => ({
  name: `rat-${attack.norm}-${noise.name}`,
  async examples(model, x, labels, keys) {
    const noisy = withNoise(model, noise);
    const noiseKeys = foldAll(keys, 1);
    noise.prefetch?.start(noiseKeys, x.shape);
    const adversarial = await attack.perturb(noisy, x, labels, foldAll(keys, 0));
    return underNoise(noise, adversarial, noiseKeys);
  },
});

const ratWithFixedNoise = (attack: BoundedAttack, noise: Noise): Objective => ({
  name: `rat-${attack.norm}-${noise.name} on one fixed noisy image`,
  async examples(model, x, labels, keys) {
    const eta = await drawNoise(noise, foldAll(keys, 1), x.shape);
    const fixed = underFixedDraw(model, noise, eta);
    return underDraw(noise, await attack.perturb(fixed, x, labels, foldAll(keys, 0)), eta);
  },
  prefetch: (keys, shape) => noise.prefetch?.start(foldAll(keys, 1), shape),
});

/** The network of images under one draw of the noise; every batch must have its shape [batch, ...pixels]. */
const underFixedDraw = (model: Victim, noise: Noise, drawn: Tensor): Victim => ({
  logits: (x, keys, hints) => model.logits(underDraw(noise, x, drawn), keys, hints),
  lossAndGradient: (x, loss, keys, hints) =>
    model.lossAndGradient(underDraw(noise, x, drawn), loss, keys, hints),
});
