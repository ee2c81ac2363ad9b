// A test image that is near a decision boundary of several classifiers at once.
import type { Victim } from "../attacks/victim.ts";
import { margin } from "../losses/margin.ts";
import type { Key } from "../math/random.ts";
import { rowSize, type Tensor } from "../math/tensor.ts";

/**
 * ℓ2 distances of images x [batch, ...pixels] from the boundary to the runner-up class, for pixels in [0, 1], to first order:
 * margin over norm of its gradient. 0 for an image that is misclassified.
 */
export async function boundaryDistances(
  network: Victim,
  x: Tensor,
  labels: readonly number[],
  keys: readonly Key[],
): Promise<number[]> {
  const { losses, gradient } = await network.lossAndGradient(x, margin([...labels]), keys);
  const row = rowSize(gradient);
  return labels.map((_, i) => {
    if (losses[i] >= 0) return 0;
    const own = gradient.data.subarray(i * row, (i + 1) * row);
    return -losses[i] / Math.hypot(...own);
  });
}

/** An image that was chosen for several classifiers. */
export interface ChosenImage {
  /** Its place in the lists of distances. */
  readonly index: number;
  /** Its distance from the boundary of each classifier. */
  readonly distances: readonly number[];
}

/**
 * Of the images that every classifier gets right, at a distance of at least `least`, the one whose largest distance is the
 * smallest. `distances` has a list per classifier, with 0 for a misclassified image. Null if there is none.
 */
export function nearAllBoundaries(
  distances: readonly (readonly number[])[],
  least: number,
): ChosenImage | null {
  const [first = []] = distances;
  const images = first.map((_, index) => ({
    index,
    distances: distances.map((own) => own[index]),
  }));
  const fit = images.filter((image) => image.distances.every((one) => one > 0 && one >= least));
  if (fit.length === 0) return null;
  const largest = (image: ChosenImage): number => Math.max(...image.distances);
  return fit.reduce((best, image) => (largest(image) < largest(best) ? image : best));
}
