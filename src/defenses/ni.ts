import { z } from "zod";
import { defineDefense } from "./define-defense.ts";
import { injectedNoise, NoiseOption, refusesNoise } from "./injected-noise.ts";
import { noiseInjection } from "./objectives.ts";

const ni = <Name extends string>(name: Name, ...kinds: readonly string[]) =>
  defineDefense({
    name,
    source: "Araujo et al. 2019, arXiv:1903.10219, §4.2",
    options: z.strictObject({ noise: NoiseOption }),
    sharedOptions: { noise: "noise" },
    refusals: { noise: refusesNoise },
    make(options, context) {
      const noise = injectedNoise(context, kinds, options.noise);
      return { objective: noiseInjection(noise), noise };
    },
  });

/** Injection of normal noise into pixels in [0, 1], in training and at inference. */
export const niNormal = ni("ni-normal", "normal");

/** Injection of uniform noise into pixels in [0, 1], in training and at inference. */
export const niUniform = ni("ni-uniform", "uniform");

/** Injection of Laplace noise into pixels in [0, 1], in training and at inference. */
export const niLaplace = ni("ni-laplace", "laplace");

/** Injection of a mixture of normal and uniform noise into pixels in [0, 1], in training and at inference. */
export const mniMix = ni("mni-mix", "mix", "mix-image");

/** Injection of the sum of normal and uniform noise into pixels in [0, 1], in training and at inference. */
export const mniConv = ni("mni-conv", "conv");
