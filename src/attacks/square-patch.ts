// The proposals of Square for one example: candidates made of the best point so far and a few random words.
import type { Choices } from "./choices.ts";
import { distances } from "./examples.ts";
import type { Frame } from "./frame.ts";
import { projectL1Box } from "./l1.ts";
import type { Norm } from "./victim.ts";

/** The side of the windows that tile the image at the start in ℓ2 and ℓ1. */
const tileSide = ({ height, width }: Frame): number =>
  Math.max(1, Math.floor(Math.min(height, width) / 5));

/** The number of random choices that any proposal needs at most for such an image. */
export function maxChoices(frame: Frame): number {
  const { channels, height, width } = frame;
  const side = tileSide(frame);
  const tiles = Math.floor(height / side) * Math.floor(width / side);
  // ℓ∞ starts with a sign per channel and column; ℓ2 and ℓ1 with a rotation and a sign per channel for each tile.
  const first = Math.max(channels * width, tiles * (1 + channels));
  return Math.max(first, nextChoices(frame));
}

/** The largest number of random choices of a later proposal: two corners, a rotation, and a sign per channel. */
export const nextChoices = ({ channels }: Frame): number => 2 * 2 + 1 + channels;

/** An image under attack: x [pixels] in [0, 1], its size, and the radius of the ball around it. */
export interface AttackedImage {
  readonly x: Float32Array;
  readonly frame: Frame;
  readonly epsilon: number;
}

/** The state of the search: the point [pixels] with the largest margin so far, and the side of the next window in pixels. */
export interface SearchState {
  readonly best: Float32Array;
  readonly side: number;
}

/** The proposals of Square in one norm: new points [pixels] in [0, 1] and in the ball of the image. */
export interface Proposals {
  /** The smallest side of a window, in pixels. */
  readonly minSide: number;
  /** The point of the first query. */
  start(image: AttackedImage, choices: Choices): Float32Array;
  /** The point of a later query: the best one, changed in one window, or in two. */
  next(image: AttackedImage, state: SearchState, choices: Choices): Float32Array;
}

const clip = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);

/** Andriushchenko et al. 2020 (arXiv:1912.00049), Alg. 2: stripes at first, then squares of ±ε. */
const linf: Proposals = {
  minSide: 1,
  start({ x, frame, epsilon }, { sign }) {
    const { channels, height, width } = frame;
    const out = new Float32Array(x.length);
    for (let c = 0; c < channels; c++)
      for (let j = 0; j < width; j++) {
        const step = sign() * epsilon;
        for (let i = 0; i < height; i++) {
          const at = (c * height + i) * width + j;
          out[at] = clip(x[at] + step, 0, 1);
        }
      }
    return out;
  },
  next({ x, frame, epsilon }, { best, side }, { sign, below }) {
    const { channels, height, width } = frame;
    const [top, left] = [below(height - side + 1), below(width - side + 1)];
    const out = best.slice();
    for (let c = 0; c < channels; c++) {
      const step = sign() * epsilon;
      for (let i = top; i < top + side; i++)
        for (let at = (c * height + i) * width + left, end = at + side; at < end; at++)
          out[at] = clip(x[at] + step, 0, 1);
    }
    return out;
  },
};

/** Half of a patch: rectangles around its centre, each larger one a little lower, written into rows from `from` on. */
function pile(patch: Float64Array, side: number, from: number, rows: number, sign: number): void {
  const [middle, centre] = [Math.floor(rows / 2), Math.floor(side / 2)];
  const half = new Float64Array(rows * side);
  for (let n = 0; n < Math.max(middle, centre) + 1; n++)
    for (let i = Math.max(middle - n, 0); i < Math.min(middle + n + 1, rows); i++)
      for (let j = Math.max(centre - n, 0); j < Math.min(centre + n + 1, side); j++)
        half[i * side + j] += 1 / (n + 1) ** 2;
  for (let i = 0; i < half.length; i++) patch[from * side + i] = sign * half[i];
}

/** The patch η of Alg. 3, side × side: a hill beside a valley, each and both together of norm 1 in ℓp. */
function patchOf(side: number, power: number): Float64Array {
  const patch = new Float64Array(side * side);
  const upper = Math.floor(side / 2);
  for (const [from, rows, sign] of [
    [0, upper, 1],
    [upper, side - upper, -1],
  ]) {
    pile(patch, side, from, rows, sign);
    const half = patch.subarray(from * side, (from + rows) * side);
    divideBy(half, size(half, power) ** (1 / power));
  }
  divideBy(patch, size(patch, power) ** (1 / power));
  return patch;
}

const size = (v: Float64Array, power: number): number => {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += power === 1 ? Math.abs(v[i]) : v[i] * v[i];
  return sum;
};

function divideBy(v: Float64Array, divisor: number): void {
  if (divisor > 0) for (let i = 0; i < v.length; i++) v[i] /= divisor;
}

/** Projects the perturbation `delta` of x onto the ball and the box, in place, by `land`. */
function placed(x: Float32Array, delta: Float64Array, land: (point: Float64Array) => void) {
  for (let i = 0; i < delta.length; i++) delta[i] += x[i];
  land(delta);
  return Float32Array.from(delta);
}

/**
 * Alg. 4 for ℓ2, and its ℓ1 version in Croce & Hein 2021 (arXiv:2103.01208, §4). The mass of one window, together with the
 * unused part of the budget, moves into another window. `power` is p; `land` projects a point onto the ball and the box.
 */
function patches(
  power: 1 | 2,
  land: (point: Float64Array, x: Float32Array, epsilon: number) => void,
): Proposals {
  const made = new Map<number, Float64Array>();
  const patch = (side: number): Float64Array => {
    const known = made.get(side) ?? patchOf(side, power);
    made.set(side, known);
    return known;
  };
  /** η or its transpose at row i, column j. */
  const reader = (side: number, isTransposed: boolean) => {
    const eta = patch(side);
    return (i: number, j: number) => (isTransposed ? eta[j * side + i] : eta[i * side + j]);
  };
  return {
    minSide: 3,
    start({ x, frame, epsilon }, { sign, below }) {
      const { channels, height, width } = frame;
      const side = tileSide(frame);
      const [down, across] = [Math.floor(height / side), Math.floor(width / side)];
      const top = Math.floor((height - down * side) / 2);
      const left = Math.floor((width - across * side) / 2);
      const delta = new Float64Array(x.length);
      for (let tile = 0; tile < down * across; tile++) {
        const eta = reader(side, below(2) === 1);
        const row = top + side * Math.floor(tile / across);
        const column = left + side * (tile % across);
        for (let c = 0; c < channels; c++) {
          const factor = sign();
          for (let i = 0; i < side; i++)
            for (let j = 0; j < side; j++)
              delta[(c * height + row + i) * width + column + j] = factor * eta(i, j);
        }
      }
      divideBy(delta, size(delta, power) ** (1 / power) / epsilon);
      return placed(x, delta, (point) => land(point, x, epsilon));
    },
    next({ x, frame, epsilon }, { best, side }, { sign, below }) {
      const { channels, height, width } = frame;
      const corner = () => [below(height - side + 1), below(width - side + 1)] as const;
      const [[top, left], [otherTop, otherLeft]] = [corner(), corner()];
      const eta = reader(side, below(2) === 1);
      const delta = new Float64Array(x.length);
      for (let i = 0; i < delta.length; i++) delta[i] = best[i] - x[i];
      const unused = Math.max(epsilon ** power - size(delta, power), 0);
      const fresh = new Float64Array(side * side);
      for (let c = 0; c < channels; c++) {
        // The mass of both windows in this channel. Clearing the second window first avoids counting the overlap twice.
        let [held, own] = [0, 0];
        const start = c * height * width;
        for (let i = 0; i < side; i++)
          for (let j = 0; j < side; j++) {
            const v = delta[start + (top + i) * width + left + j];
            fresh[i * side + j] = v;
            own += power === 1 ? Math.abs(v) : v * v;
            delta[start + (top + i) * width + left + j] = 0;
          }
        for (let i = 0; i < side; i++)
          for (let j = 0; j < side; j++) {
            const at = start + (otherTop + i) * width + otherLeft + j;
            held += power === 1 ? Math.abs(delta[at]) : delta[at] * delta[at];
            delta[at] = 0;
          }
        const [factor, norm] = [sign(), own ** (1 / power) + 1e-12];
        for (let i = 0; i < side; i++)
          for (let j = 0; j < side; j++)
            fresh[i * side + j] = fresh[i * side + j] / norm + factor * eta(i, j);
        const length = size(fresh, power) ** (1 / power) + 1e-12;
        const scale = (unused / channels + own + held) ** (1 / power) / length;
        for (let i = 0; i < side; i++)
          for (let j = 0; j < side; j++)
            delta[start + (top + i) * width + left + j] = scale * fresh[i * side + j];
      }
      return placed(x, delta, (point) => land(point, x, epsilon));
    },
  };
}

/** Scales the point to the sphere, then clips it to the box. */
function ontoSphere(point: Float64Array, x: Float32Array, epsilon: number): void {
  const share = epsilon / Math.max(distances.l2(point, x), 1e-12);
  for (let i = 0; i < point.length; i++) point[i] = clip(x[i] + share * (point[i] - x[i]), 0, 1);
}

/** The proposals of each norm. */
export const proposals: { readonly [N in Norm]: Proposals } = {
  linf,
  l2: patches(2, ontoSphere),
  l1: patches(1, projectL1Box),
};
