import { z } from "zod";
import { defineDefense } from "./define-defense.ts";
import { injectedNoise, NoiseOption, refusesNoise } from "./injected-noise.ts";
import { noiseInjection } from "./objectives.ts";

/**
 * Training and inference on images under splitting noise: the network sees the middle of the interval that a random split puts
 * each pixel in, on the scale of pixels in [0, 1]. The smoothed classifier has a deterministic ℓ1 certificate.
 */
export const niSplitting = defineDefense({
  name: "ni-splitting",
  source: "Levine & Feizi 2021, arXiv:2103.10834",
  options: z.strictObject({ noise: NoiseOption }),
  sharedOptions: { noise: "noise" },
  refusals: { noise: refusesNoise },
  make(options, context) {
    const noise = injectedNoise(context, ["splitting"], options.noise);
    return { objective: noiseInjection(noise), noise };
  },
});
