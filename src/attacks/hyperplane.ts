// Projection onto a hyperplane inside the box, for one example: the d of smallest ‖d‖ₚ with ⟨w, d⟩ = need and x + d in
// [0, 1].
import type { Norm } from "./victim.ts";

/**
 * Returns d [pixels] for x and w, both [pixels]: the shortest way from x to the hyperplane. If the box does not reach the
 * hyperplane, d leads to the corner of the box that lies farthest in its direction.
 */
export type Way = (x: ArrayLike<number>, w: Float32Array, need: number) => Float64Array;

/** The distance that each pixel can move in the direction that brings ⟨w, d⟩ towards `need`. */
function rooms(x: ArrayLike<number>, w: Float32Array, need: number): Float64Array {
  const room = new Float64Array(w.length);
  for (let i = 0; i < room.length; i++) {
    if (w[i] === 0) continue;
    room[i] = w[i] * need > 0 ? 1 - x[i] : x[i];
  }
  return room;
}

/**
 * dᵢ = ±min(λ rᵢ, roomᵢ) with rᵢ = 1 in ℓ∞ and |wᵢ| in ℓ2. |⟨w, d⟩| is a concave, piecewise linear function of λ. Newton's
 * steps from λ = 0 reach |need| from below, after at most one step per piece.
 */
const byNewton =
  (rate: (weight: number) => number): Way =>
  (x, w, need) => {
    const room = rooms(x, w, need);
    const goal = Math.abs(need);
    let [lambda, reached, slope] = [0, 0, 0];
    for (;;) {
      reached = 0;
      slope = 0;
      for (let i = 0; i < room.length; i++) {
        const weight = Math.abs(w[i]);
        const moved = lambda * rate(weight);
        if (moved < room[i]) {
          reached += weight * moved;
          slope += weight * rate(weight);
        } else reached += weight * room[i];
      }
      const next = lambda + (goal - reached) / slope;
      if (slope === 0 || !(next > lambda * (1 + 1e-12))) break;
      lambda = next;
    }
    const d = new Float64Array(room.length);
    for (let i = 0; i < d.length; i++)
      d[i] = Math.sign(w[i] * need) * Math.min(lambda * rate(Math.abs(w[i])), room[i]);
    return d;
  };

/** In ℓ1, greedily: pixels move to the edge of the box in descending order of |wᵢ|; the last one moves only as far as needed. */
const byOrder: Way = (x, w, need) => {
  const room = rooms(x, w, need);
  const sizes = w.map(Math.abs).sort();
  const beyond = (size: number): number => {
    let sum = 0;
    for (let i = 0; i < w.length; i++) if (Math.abs(w[i]) > size) sum += Math.abs(w[i]) * room[i];
    return sum;
  };
  const goal = Math.abs(need);
  // The smallest |w| for which moving every pixel with a larger |w| to the edge of the box does not overshoot the goal.
  let [low, high] = [-1, sizes.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (beyond(sizes[middle]) > goal) low = middle;
    else high = middle;
  }
  const least = sizes[high];
  let left = goal - beyond(least);
  const d = new Float64Array(w.length);
  for (let i = 0; i < d.length; i++) {
    const weight = Math.abs(w[i]);
    if (weight < least || weight === 0) continue;
    const moved = weight > least ? room[i] : Math.min(left / weight, room[i]);
    if (weight === least) left -= weight * moved;
    d[i] = Math.sign(w[i] * need) * moved;
  }
  return d;
};

/** The way in each norm. */
export const ways: { readonly [N in Norm]: Way } = {
  linf: byNewton(() => 1),
  l2: byNewton((weight) => weight),
  l1: byOrder,
};
