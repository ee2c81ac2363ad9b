import { defineDefense } from "./define-defense.ts";
import { InnerAttackOptions, innerAttack, sharedByAttacks } from "./inner-attack.ts";
import { adversarialTraining } from "./objectives.ts";

const at = <Name extends string>(name: Name, attackName: string) =>
  defineDefense({
    name,
    source: "Madry et al. 2018, arXiv:1706.06083",
    options: InnerAttackOptions,
    sharedOptions: sharedByAttacks,
    make(options) {
      const attack = innerAttack(attackName, options);
      return { objective: adversarialTraining(attack), attacks: [attack] };
    },
  });

/** Adversarial training with PGD in ℓ∞, on batches [batch, ...pixels]. */
export const atLinf = at("at-linf", "pgd-linf");

/** Adversarial training with PGD in ℓ2, on batches [batch, ...pixels]. */
export const atL2 = at("at-l2", "pgd-l2");
