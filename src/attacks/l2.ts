/**
 * Moves `point` [pixels], in place, to the closest point of the box [0, 1] within ℓ2 distance epsilon of x [pixels], which
 * must be in the box. By the optimality conditions, clipped pixels are at the edge of the box, and all others are scaled by
 * one factor 1/(1 + μ). So the result is the clipped point x + s·(point − x), with the largest s ≤ 1 for which its distance
 * is at most epsilon. Bisection finds s from below.
 */
export function projectL2Box(point: Float64Array, x: Float32Array, epsilon: number): void {
  const clipped = (share: number, i: number): number =>
    Math.min(Math.max(x[i] + share * (point[i] - x[i]), 0), 1);
  const lengthAt = (share: number): number => {
    let sum = 0;
    for (let i = 0; i < point.length; i++) sum += (clipped(share, i) - x[i]) ** 2;
    return Math.sqrt(sum);
  };
  let share = 1;
  if (lengthAt(1) > epsilon) {
    let [low, high] = [0, 1];
    while (high - low > 1e-9 * high) {
      const middle = (low + high) / 2;
      if (lengthAt(middle) > epsilon) high = middle;
      else low = middle;
    }
    share = low;
  }
  for (let i = 0; i < point.length; i++) point[i] = clipped(share, i);
}
