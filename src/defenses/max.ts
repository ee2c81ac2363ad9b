import { defineDefense } from "./define-defense.ts";
import { sameNames } from "./inner-ascent.ts";
import { mixedMax } from "./mixed.ts";
import { attacksInNorms, SeveralNorms } from "./several-norms.ts";

/**
 * Training on the worst attack among those of several norms, per example of a batch [batch, ...pixels] in [0, 1] (Tramèr & Boneh
 * 2019, arXiv:1904.13000, §2.2, "max"). MAT-Max is this defence over ℓ∞ and ℓ2.
 */
export const max = defineDefense({
  name: "max",
  source: "Tramèr & Boneh 2019, arXiv:1904.13000, §2.2",
  options: SeveralNorms,
  sharedOptions: sameNames(SeveralNorms),
  make(options) {
    const attacks = attacksInNorms(options);
    return { objective: mixedMax(attacks), attacks };
  },
});
