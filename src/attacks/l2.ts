/**
 * Moves `point` [pixels], in place, to the closest point of the box [0, 1] within ℓ2 distance epsilon of x [pixels], which
 * must be in the box. By the optimality conditions, clipped pixels are at the edge of the box, and all others are scaled by
 * one factor 1/(1 + μ). So the result is the clipped point x + s·(point − x), with the largest s ≤ 1 for which its distance
 * is at most epsilon.
 */
export function projectL2Box(point: Float64Array, x: Float32Array, epsilon: number): void {
  let share = 1;
  if (lengthAt(1, point, x) > epsilon) {
    share = Math.min(1, shareFor(point, x, epsilon));
    // The sum of squares is rounded.
    while (lengthAt(share, point, x) > epsilon) share *= 1 - 2 ** -50;
  }
  for (let i = 0; i < point.length; i++)
    point[i] = Math.min(Math.max(x[i] + share * (point[i] - x[i]), 0), 1);
}

/** The distance to x of the clipped point x + share·(point − x). */
function lengthAt(share: number, point: Float64Array, x: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < point.length; i++) {
    const clipped = Math.min(Math.max(x[i] + share * (point[i] - x[i]), 0), 1);
    sum += (clipped - x[i]) * (clipped - x[i]);
  }
  return Math.sqrt(sum);
}

/**
 * The s at which the clipped point is at distance epsilon. The squared distance is a sum of min(s²·d², e²), with d the way of
 * a pixel to the point and e its way to the edge of the box: concave and piecewise linear in s². Newton's method from 0
 * therefore rises to the root and ends on its piece.
 */
function shareFor(point: Float64Array, x: Float32Array, epsilon: number): number {
  for (let square = 0; ; ) {
    let [free, clipped] = [0, 0];
    for (let i = 0; i < point.length; i++) {
      const way = point[i] - x[i];
      const edge = way > 0 ? 1 - x[i] : x[i];
      if (square * way * way < edge * edge) free += way * way;
      else clipped += edge * edge;
    }
    const next = (epsilon * epsilon - clipped) / free;
    if (!(next > square)) return Math.sqrt(square);
    square = next;
  }
}
