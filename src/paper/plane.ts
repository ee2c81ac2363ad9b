// Planes through an image in the space of all images, and their intersections with the ℓ∞ ball around the image.

import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import type { PlanePoint } from "../report/marks.ts";

/** Two orthonormal directions in the space of images; the plane is x + a·first + b·second. */
export interface Plane {
  readonly first: Float64Array;
  readonly second: Float64Array;
}

/** The inner product, in double precision. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

const scaled = (a: ArrayLike<number>, by: number): Float64Array =>
  Float64Array.from(a, (value) => value * by);

/** The part of `a` that is orthogonal to the unit vector `unit`. */
function without(a: ArrayLike<number>, unit: Float64Array): Float64Array {
  const along = dot(a, unit);
  return Float64Array.from(a, (value, i) => value - along * unit[i]);
}

/** A direction counts as parallel to the first if its orthogonal part is below this share of its length. */
const PARALLEL = 1e-4;

/**
 * The plane through 0, `a` and `b`, all [pixels] (Gram–Schmidt): `first` points to `a`, and `b` lies on the side of
 * `second`. If the two are parallel and span no plane, `substitute` replaces `b`.
 */
export function planeThrough(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  substitute: ArrayLike<number>,
): Plane {
  const first = scaled(a, 1 / Math.sqrt(dot(a, a)));
  const length = (v: ArrayLike<number>) => Math.sqrt(dot(v, v));
  const rest = without(b, first);
  const chosen = length(rest) > PARALLEL * length(b) ? rest : without(substitute, first);
  // A second pass removes the rounding errors of the first; two passes are enough (Kahan).
  const second = without(chosen, first);
  return { first, second: scaled(second, 1 / length(second)) };
}

/** Coordinates of a perturbation [pixels] projected orthogonally onto the plane: ℓ2 distances for pixels in [0, 1]. */
export const coordinates = ({ first, second }: Plane, delta: ArrayLike<number>): PlanePoint => [
  dot(delta, first),
  dot(delta, second),
];

/** The points x + a·first + b·second at coordinates `at`, [at, ...pixels]; pixels may leave [0, 1]. */
export function pointsOf(x: Tensor, { first, second }: Plane, at: readonly PlanePoint[]): Tensor {
  const row = rowSize(x);
  const out = tensor([at.length, ...x.shape.slice(1)]);
  at.forEach(([a, b], i) => {
    for (let j = 0; j < row; j++) out.data[i * row + j] = x.data[j] + a * first[j] + b * second[j];
  });
  return out;
}

const cross = (o: PlanePoint, a: PlanePoint, b: PlanePoint): number =>
  (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);

/** The corners of the convex hull, counter-clockwise (Andrew 1979, monotone chain). */
function convexHull(points: readonly PlanePoint[]): readonly PlanePoint[] {
  const sorted = points.toSorted((p, q) => p[0] - q[0] || p[1] - q[1]);
  const half = (ordered: readonly PlanePoint[]): PlanePoint[] => {
    const chain: PlanePoint[] = [];
    for (const point of ordered) {
      while (
        chain.length > 1 &&
        cross(chain[chain.length - 2], chain[chain.length - 1], point) <= 0
      )
        chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}

/**
 * The intersection of the plane with the ball ‖δ‖∞ ≤ ε, a polygon: all (a, b) with |a·uᵢ + b·vᵢ| ≤ ε for every pixel i.
 * The polygon is the polar of the convex hull of the points ±(uᵢ, vᵢ) / ε. Each edge of the hull, between p and q, gives
 * one corner: the z with p·z = q·z = 1. Corners are counter-clockwise, at most two per pixel.
 */
export function cubeSection({ first, second }: Plane, epsilon: number): readonly PlanePoint[] {
  const points = Array.from(first, (u, i): PlanePoint => [u / epsilon, second[i] / epsilon]);
  const hull = convexHull([...points, ...points.map(([a, b]): PlanePoint => [-a, -b])]);
  return hull.map((p, i) => {
    const q = hull[(i + 1) % hull.length];
    const area = p[0] * q[1] - p[1] * q[0];
    return [(q[1] - p[1]) / area, (p[0] - q[0]) / area];
  });
}
