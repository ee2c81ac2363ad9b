// Projection onto a hyperplane inside the box, for one example: the d of smallest ‖d‖ₚ with ⟨w, d⟩ = offset and x + d in
// [0, 1].
import type { Norm } from "./victim.ts";

/**
 * Returns d [pixels] for x and w, both [pixels]: the shortest step from x onto the hyperplane. If no point of the box is on
 * the hyperplane, x + d is the corner of the box that is closest to it.
 */
export type HyperplaneProjection = (
  x: ArrayLike<number>,
  w: Float32Array,
  offset: number,
) => Float64Array;

/** How far each pixel [pixels] can move in the box while ⟨w, d⟩ moves towards `offset`. */
function slackOf(x: ArrayLike<number>, w: Float32Array, offset: number): Float64Array {
  const slack = new Float64Array(w.length);
  for (let i = 0; i < slack.length; i++) {
    if (w[i] === 0) continue;
    slack[i] = w[i] * offset > 0 ? 1 - x[i] : x[i];
  }
  return slack;
}

/**
 * dᵢ = ±min(λ rᵢ, slackᵢ), with speeds rᵢ = 1 in ℓ∞ and |wᵢ| in ℓ2. |⟨w, d⟩| is a concave, piecewise linear function of λ. Newton's
 * steps from λ = 0 reach |offset| from below, after at most one step per piece.
 */
const newtonProjection =
  (speedOf: (weight: number) => number): HyperplaneProjection =>
  (x, w, offset) => {
    const slack = slackOf(x, w, offset);
    const goal = Math.abs(offset);
    let [lambda, reached, slope] = [0, 0, 0];
    for (;;) {
      reached = 0;
      slope = 0;
      for (let i = 0; i < slack.length; i++) {
        const weight = Math.abs(w[i]);
        const moved = lambda * speedOf(weight);
        if (moved < slack[i]) {
          reached += weight * moved;
          slope += weight * speedOf(weight);
        } else reached += weight * slack[i];
      }
      const next = lambda + (goal - reached) / slope;
      if (slope === 0 || !(next > lambda * (1 + 1e-12))) break;
      lambda = next;
    }
    const d = new Float64Array(slack.length);
    for (let i = 0; i < d.length; i++)
      d[i] = Math.sign(w[i] * offset) * Math.min(lambda * speedOf(Math.abs(w[i])), slack[i]);
    return d;
  };

/** In ℓ1: pixels move to the edge of the box in descending order of |wᵢ|; the last one moves only as far as needed. */
const greedyProjection: HyperplaneProjection = (x, w, offset) => {
  const slack = slackOf(x, w, offset);
  const sizes = w.map(Math.abs).sort();
  const reachAbove = (size: number): number => {
    let sum = 0;
    for (let i = 0; i < w.length; i++) if (Math.abs(w[i]) > size) sum += Math.abs(w[i]) * slack[i];
    return sum;
  };
  const goal = Math.abs(offset);
  // The smallest |w| for which moving every pixel with a larger |w| to the edge of the box does not overshoot the goal.
  let [low, high] = [-1, sizes.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (reachAbove(sizes[middle]) > goal) low = middle;
    else high = middle;
  }
  const threshold = sizes[high];
  let left = goal - reachAbove(threshold);
  const d = new Float64Array(w.length);
  for (let i = 0; i < d.length; i++) {
    const weight = Math.abs(w[i]);
    if (weight < threshold || weight === 0) continue;
    const moved = weight > threshold ? slack[i] : Math.min(left / weight, slack[i]);
    if (weight === threshold) left -= weight * moved;
    d[i] = Math.sign(w[i] * offset) * moved;
  }
  return d;
};

/** The projection in each norm. */
export const hyperplaneProjections: { readonly [N in Norm]: HyperplaneProjection } = {
  linf: newtonProjection(() => 1),
  l2: newtonProjection((weight) => weight),
  l1: greedyProjection,
};
