import { boundTraining, boundTrainingOptions } from "./bound-training.ts";
import { defineDefense } from "./define-defense.ts";
import { trainingRadius } from "./inner-ascent.ts";

/** 10 epochs on clean images and 50 of warm-up, of 200; κ ends at ½ (Zhang et al. 2020, §4 and appendix). */
const CrownIbpOptions = boundTrainingOptions("crown-ibp", {
  start: 0.05,
  warmup: 0.25,
  kappa: 0.5,
});

/**
 * CROWN-IBP in ℓ∞ (Zhang et al. 2020, arXiv:1906.06316, Eq. 11), on batches [batch, ...pixels] in [0, 1]: as `ibp`, with margins
 * (1 − β) · those of intervals plus β · those of one backward pass on the intervals of the layers. β falls from 1 to 0 while the
 * radius grows.
 */
export const crownIbp = defineDefense({
  name: "crown-ibp",
  source: "Zhang et al. 2020, arXiv:1906.06316, Eq. 11",
  options: CrownIbpOptions,
  sharedOptions: Object.fromEntries(Object.keys(trainingRadius.linf).map((name) => [name, name])),
  make: (options) => ({ objective: boundTraining("crown-ibp", options, { byCrown: true }) }),
});
