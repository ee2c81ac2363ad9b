import { boundTraining, boundTrainingOptions } from "./bound-training.ts";
import { defineDefense } from "./define-defense.ts";
import { trainingRadius } from "./inner-ascent.ts";

/** 2,000 steps on clean images and 10,000 of warm-up, of 60,000; κ ends at ½ (Gowal et al. 2018, §4.1 and appendix A). */
const IbpOptions = boundTrainingOptions("ibp", { start: 1 / 30, warmup: 1 / 6, kappa: 0.5 });

/**
 * Certified training by interval bound propagation in ℓ∞ (Gowal et al. 2018, arXiv:1810.12715, Eq. 8), on batches [batch,
 * ...pixels] in [0, 1]: κ · CE of the clean images plus (1 − κ) · CE of the worst logits that intervals allow.
 */
export const ibp = defineDefense({
  name: "ibp",
  source: "Gowal et al. 2018, arXiv:1810.12715, Eq. 8",
  options: IbpOptions,
  sharedOptions: Object.fromEntries(Object.keys(trainingRadius.linf).map((name) => [name, name])),
  make: (options) => ({ objective: boundTraining("ibp", options) }),
});
