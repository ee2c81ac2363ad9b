// The steps of APGD in each norm, for one example at a time. Points are in double precision between two queries.
import { normal, uniform } from "../math/distributions.ts";
import type { Key } from "../math/random.ts";
import { distances } from "./examples.ts";
import { projectL1Box } from "./l1.ts";
import type { Norm } from "./victim.ts";

/** The steps of APGD in one norm, for one example. Radii are for pixels in [0, 1]; all arrays are [pixels]. */
export interface Geometry {
  /** The first step, in radii. */
  readonly firstStep: number;
  /** A random perturbation, before projection onto the ball. */
  start(key: Key, pixels: number, epsilon: number): Float32Array;
  /** The direction of length 1 along the gradient; in ℓ1 along the signs of the largest `share` of its entries. */
  ascent(gradient: Float32Array, share: number): Float64Array;
  /** Moves the point into the ball of radius epsilon around x and into [0, 1], in place. */
  land(point: Float64Array, x: Float32Array, epsilon: number): void;
}

const clip = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);

/** Multiplies v by the factor, in place. */
function scaled<A extends Float32Array | Float64Array>(v: A, factor: number): A {
  for (let i = 0; i < v.length; i++) v[i] *= factor;
  return v;
}

const length = (v: Float32Array): number => distances.l2(v, new Float32Array(v.length));

const linf: Geometry = {
  firstStep: 2,
  // The largest entry has the size of the radius, as in the authors' code.
  start(key, pixels, epsilon) {
    const noise = uniform([key], [1, pixels], -1, 1).data;
    return scaled(noise, epsilon / distances.linf(noise, new Float32Array(pixels)));
  },
  ascent(gradient) {
    // Not Float64Array.from(gradient, Math.sign), which takes longer than a small network's gradient.
    const direction = new Float64Array(gradient.length);
    for (let i = 0; i < direction.length; i++) direction[i] = Math.sign(gradient[i]);
    return direction;
  },
  land(point, x, epsilon) {
    for (let i = 0; i < point.length; i++)
      point[i] = clip(clip(point[i], x[i] - epsilon, x[i] + epsilon), 0, 1);
  },
};

const l2: Geometry = {
  firstStep: 2,
  start(key, pixels, epsilon) {
    const noise = normal([key], [1, pixels]).data;
    return scaled(noise, epsilon / length(noise));
  },
  ascent(gradient) {
    const norm = length(gradient);
    return scaled(Float64Array.from(gradient), norm === 0 ? 0 : 1 / norm);
  },
  land(point, x, epsilon) {
    const norm = distances.l2(point, x);
    const share = norm > epsilon ? epsilon / norm : 1;
    for (let i = 0; i < point.length; i++) point[i] = clip(x[i] + share * (point[i] - x[i]), 0, 1);
  },
};

const l1: Geometry = {
  firstStep: 1,
  start: (key, pixels) => normal([key], [1, pixels]).data,
  ascent(gradient, share) {
    const sizes = gradient.map(Math.abs).sort();
    const least = sizes[clip(Math.floor((1 - share) * sizes.length), 0, sizes.length - 1)];
    const direction = new Float64Array(gradient.length);
    let count = 0;
    for (let i = 0; i < direction.length; i++)
      if (gradient[i] !== 0 && Math.abs(gradient[i]) >= least) {
        direction[i] = Math.sign(gradient[i]);
        count++;
      }
    return scaled(direction, count === 0 ? 0 : 1 / count);
  },
  land: projectL1Box,
};

/** The geometry of each norm. */
export const geometries: { readonly [N in Norm]: Geometry } = { linf, l2, l1 };
