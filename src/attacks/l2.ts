/**
 * Moves `point` to the closest one of the box [0, 1] within ℓ2 distance epsilon of x, which is in the box: the largest share
 * s ≤ 1 of the way to it, clipped to the box, that is not longer than epsilon (by the optimality conditions: what is clipped
 * is at its edge, and the rest is scaled by 1/(1 + μ)). Found by bisection, from below.
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
