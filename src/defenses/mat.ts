import { z } from "zod";
import { defineDefense } from "./define-defense.ts";
import { InnerAttackOptions, innerAttack, sharedByAttacks } from "./inner-attack.ts";
import { mixedMax, mixedRandom } from "./mixed.ts";

const MatOptions = InnerAttackOptions.extend({
  matChoice: z
    .enum(["example", "batch"])
    .optional()
    .describe(
      "mat-*: choose the norm per example (default, Eq. 12 and 13) or per batch (the authors' code)",
    ),
});

/** `tried` is the number of attacks that each example gets. */
const mat = <Name extends string>(
  name: Name,
  make: typeof mixedMax,
  equation: string,
  tried: number,
) =>
  defineDefense({
    name,
    source: `Araujo et al. 2019, arXiv:1903.10219, §4.1, ${equation}`,
    options: MatOptions,
    sharedOptions: Object.assign({}, sharedByAttacks, { matChoice: "matChoice" }),
    refusals: {
      matChoice: (value) =>
        `does not choose between norms, got --mat-choice ${value}; leave it out, or use mat-max or mat-rand`,
    },
    make(options) {
      const attacks = ["pgd-linf", "pgd-l2"].map((attack) => innerAttack(attack, options));
      const gradients = tried * options.steps;
      return { objective: make(attacks, options.matChoice), attacks, gradients };
    },
  });

/** Mixed adversarial training on the worse of PGD in ℓ∞ and in ℓ2, on batches [batch, ...pixels]. */
export const matMax = mat("mat-max", mixedMax, "Eq. 13", 2);

/** Mixed adversarial training on PGD in ℓ∞ or in ℓ2, drawn uniformly, on batches [batch, ...pixels]. */
export const matRand = mat("mat-rand", mixedRandom, "Eq. 12", 1);
