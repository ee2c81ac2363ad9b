// What the mixtures of normal and uniform noise share (Araujo et al. 2019, arXiv:1903.10219, Eq. 15).
import { type ParameterValues, pixels } from "./define-noise.ts";
import { normalDensity } from "./normal.ts";
import { uniformDensity } from "./uniform.ts";

/** The values of a mixture's parameters, lengths on the scale of pixels in [0, 1]. */
export type Mixture = ParameterValues<"sigma" | "bound">;

/** The parameters of a mixture: one length per distribution. */
export const mixtureParameters = {
  sigma: pixels(0.25, "standard deviation of the normal draws"),
  bound: pixels(0.2, "largest absolute value of the uniform draws"),
};

/** The mixture in words, with one coin per `per`. */
export const describeMixture = (per: string, { sigma, bound }: Mixture): string =>
  `a mixture, one coin per ${per}, of normal noise of standard deviation ${sigma} and uniform noise from −${bound} to ${bound}`;

/** The density of one pixel at x: the mean of the two densities (Eq. 15). */
export const mixtureDensity = (x: number, { sigma, bound }: Mixture): number =>
  (normalDensity(x, sigma) + uniformDensity(x, bound)) / 2;
