import { z } from "zod";
import { defineDefense } from "./define-defense.ts";
import { injectedNoise, NoiseOption, refusesNoise } from "./injected-noise.ts";
import { InnerAttackOptions, innerAttack, sharedByAttacks } from "./inner-attack.ts";
import { randomizedAdversarialTraining } from "./objectives.ts";

const RatOptions = InnerAttackOptions.extend({
  noise: NoiseOption,
  ratNoise: z
    .enum(["fresh", "fixed"])
    .optional()
    .describe(
      "rat-*: the inner attack sees fresh noise at each step (default, Eq. 16) or one fixed noisy image (the authors' code)",
    ),
});

const rat = <Name extends string>(name: Name, attackName: string, kind: string) =>
  defineDefense({
    name,
    source: "Araujo et al. 2019, arXiv:1903.10219, §4.3, Eq. 16",
    options: RatOptions,
    sharedOptions: Object.assign({}, sharedByAttacks, { noise: "noise", ratNoise: "ratNoise" }),
    refusals: {
      noise: refusesNoise,
      ratNoise: (value) =>
        `has no attack under noise, got --rat-noise ${value}; leave it out, or use rat-*`,
    },
    make(options, context) {
      const noise = injectedNoise(context, [kind], options.noise);
      const attack = innerAttack(attackName, options);
      const objective = randomizedAdversarialTraining(attack, noise, options.ratNoise);
      return { objective, noise, attacks: [attack] };
    },
  });

/** Randomised adversarial training: PGD in ℓ∞ on the network under normal noise, for pixels in [0, 1]. */
export const ratLinfNormal = rat("rat-linf-normal", "pgd-linf", "normal");

/** Randomised adversarial training: PGD in ℓ∞ on the network under uniform noise, for pixels in [0, 1]. */
export const ratLinfUniform = rat("rat-linf-uniform", "pgd-linf", "uniform");

/** Randomised adversarial training: PGD in ℓ2 on the network under normal noise, for pixels in [0, 1]. */
export const ratL2Normal = rat("rat-l2-normal", "pgd-l2", "normal");

/** Randomised adversarial training: PGD in ℓ2 on the network under uniform noise, for pixels in [0, 1]. */
export const ratL2Uniform = rat("rat-l2-uniform", "pgd-l2", "uniform");
