// Radii of balls for images of a model.
import { equalVolumeRadius } from "../../paper/theory/volume.ts";
import type { ModelFacts, Norm } from "../protocol.ts";

const orders = { linf: Number.POSITIVE_INFINITY, l2: 2, l1: 1 } as const;

/** The paper's ℓ∞ radius for colour images; grey digits take the larger one that is usual for MNIST. */
const inLinf = (model: ModelFacts | null): number => (model?.shape[0] === 1 ? 0.1 : 0.031);

const pixelsOf = (model: ModelFacts | null): number =>
  (model?.shape ?? [3, 32, 32]).reduce((a, b) => a * b, 1);

/** The radius in a norm of the ball that has the volume of the ℓ∞ ball of radius `epsilon`; Vol₂ = Vol∞ gives the paper's 0.83. */
export const equalVolume = (norm: Norm, epsilon: number, model: ModelFacts | null): number =>
  epsilon * equalVolumeRadius(pixelsOf(model), orders[norm], orders.linf);

/** The radius that the page starts with, of equal volume in all norms. */
export const radiusOf = (norm: Norm, model: ModelFacts | null): number =>
  Number(equalVolume(norm, inLinf(model), model).toPrecision(3));

/** The end of the slider. */
export const largestRadius = (norm: Norm, model: ModelFacts | null): number =>
  Number((6 * radiusOf(norm, model)).toPrecision(2));
