// Projections onto the ℓ1 ball by soft thresholding.

/** The threshold t with Σ max(|vᵢ| − t, 0) = epsilon, for v [pixels] whose ℓ1 norm exceeds epsilon (pixels in [0, 1]). */
export function belowThreshold(v: ArrayLike<number>, epsilon: number): number {
  const sizes = new Float64Array(v.length);
  for (let i = 0; i < sizes.length; i++) sizes[i] = Math.abs(v[i]);
  sizes.sort();
  let sum = 0;
  for (let count = 1; count <= sizes.length; count++) {
    sum += sizes[sizes.length - count];
    const threshold = (sum - epsilon) / count;
    if (count === sizes.length || threshold >= sizes[sizes.length - count - 1]) return threshold;
  }
  return 0;
}

/**
 * Moves `point` [pixels], in place, to the closest point of the box [0, 1] within ℓ1 distance epsilon of x [pixels], which
 * must be in the box. With δ = point − x and cᵢ the distance from xᵢ to the edge in the direction of δᵢ, the new
 * perturbation is sign(δᵢ) min(max(|δᵢ| − t, 0), cᵢ) (Croce & Hein 2021, arXiv:2103.01208, Prop. 2.1). Its ℓ1 norm decreases
 * linearly in t between breakpoints |δᵢ| and |δᵢ| − cᵢ, so t is interpolated between the two breakpoints around epsilon.
 */
export function projectL1Box(point: Float64Array, x: Float32Array, epsilon: number): void {
  const n = point.length;
  const size = new Float64Array(n);
  const room = new Float64Array(n);
  const breakpoints = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    const delta = point[i] - x[i];
    size[i] = Math.abs(delta);
    room[i] = delta > 0 ? 1 - x[i] : x[i];
    breakpoints[2 * i] = size[i];
    breakpoints[2 * i + 1] = Math.max(size[i] - room[i], 0);
  }
  const total = (threshold: number): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += Math.min(Math.max(size[i] - threshold, 0), room[i]);
    return sum;
  };
  let threshold = 0;
  if (total(0) > epsilon) {
    breakpoints.sort();
    let [low, high] = [-1, 2 * n - 1]; // of −1 the breakpoint is 0; the sum is above epsilon at low, and not at high
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (total(breakpoints[middle]) > epsilon) low = middle;
      else high = middle;
    }
    const [from, to] = [low < 0 ? 0 : breakpoints[low], breakpoints[high]];
    const [above, below] = [total(from), total(to)];
    threshold = from + ((to - from) * (above - epsilon)) / (above - below);
  }
  for (let i = 0; i < n; i++) {
    const moved = Math.min(Math.max(size[i] - threshold, 0), room[i]);
    point[i] = point[i] > x[i] ? x[i] + moved : x[i] - moved;
  }
}
