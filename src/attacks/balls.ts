// The geometry of ℓp balls.
import { laplace, normal, uniform } from "../math/distributions.ts";
import { foldAll, type Key } from "../math/random.ts";
import { addInPlace, rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import { type AscendRow, fastAscent } from "./ascent-simd.ts";
import { belowThreshold } from "./l1.ts";
import { allFinite } from "./preconditions.ts";
import type { Norm } from "./victim.ts";

/**
 * The geometry of the ℓp balls of one norm. Arrays are [batch, ...pixels], with an example per row; radii and lengths are in
 * the norm, for pixels in [0, 1].
 */
export interface Ball {
  /** The closest point with ‖δ‖ₚ ≤ epsilon for each row δ. */
  project(delta: Tensor, epsilon: number): Tensor;
  /** The d with ‖d‖ₚ ≤ 1 that maximises ⟨gradient, d⟩ for each row. It is 0 for a row of zeros, and in ℓ∞ at each zero. */
  steepest(gradient: Tensor): Tensor;
  /**
   * A step of `length` from `at` along the steepest ascent, projected onto the ball of radius epsilon around `center`, then
   * clipped to [0, 1] (Araujo et al. 2019, arXiv:1903.10219, Eq. 3). The centre must be in [0, 1].
   */
  ascend(at: Tensor, gradient: Tensor, length: number, center: Tensor, epsilon: number): Tensor;
  /** The same step, or null if the gradient has NaN or infinity. The check takes no extra pass over the data. */
  ascendFinite(
    at: Tensor,
    gradient: Tensor,
    length: number,
    center: Tensor,
    epsilon: number,
  ): Tensor | null;
  /** Draws uniformly from the ball, one draw per key; `shape` is [keys, ...pixels]. */
  sample(keys: readonly Key[], shape: Shape, epsilon: number): Tensor;
  /** ‖δ‖ₚ of each row, [batch]. */
  norm(delta: Tensor): number[];
}

/** The same for one row [pixels]. Attacks call these at every step, so loops are simple and work on rows that fit the cache. */
interface OfRow {
  norm(row: Float32Array): number;
  /** In place. */
  project(row: Float32Array, epsilon: number): void;
  /** Writes every element of `out`. */
  steepest(gradient: Float32Array, out: Float32Array): void;
}

const maximum = (row: Float32Array): number => {
  let most = 0;
  for (let i = 0; i < row.length; i++) most = Math.max(most, Math.abs(row[i]));
  return most;
};

// Sums squares in double precision, in which squares of float32 numbers do not overflow or underflow. Even and odd entries
// are summed separately, as in the SIMD version.
const euclidean = (row: Float32Array): number => {
  let [even, odd] = [0, 0];
  for (let i = 0; i + 1 < row.length; i += 2) {
    even += row[i] * row[i];
    odd += row[i + 1] * row[i + 1];
  }
  const last = row.length % 2 === 1 ? row[row.length - 1] : 0;
  return Math.sqrt(even + last * last + odd);
};

const absolute = (row: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.abs(row[i]);
  return sum;
};

function scale(row: Float32Array, factor: number, out: Float32Array): void {
  for (let i = 0; i < row.length; i++) out[i] = row[i] * factor;
}

// Signs and sizes of pixels are unpredictable, and a mispredicted branch costs more than ten additions. So loops compare
// the bits of floats as integers, which have the same order.
const SIGN = 0x80000000 | 0;
const SIZE = 0x7fffffff;
const ONE = 0x3f800000;

const bitsOf = ({ buffer, byteOffset, length }: Float32Array): Int32Array =>
  new Int32Array(buffer, byteOffset, length);

const bitsOfNumber = (value: number): number => bitsOf(Float32Array.of(value))[0];

/** Each number moved to the nearest one in [−bound, bound], in place. */
function clampSize(bits: Int32Array, bound: number): void {
  const most = bitsOfNumber(bound);
  for (let i = 0; i < bits.length; i++) {
    const excess = (bits[i] & SIZE) - most;
    bits[i] = (bits[i] & SIGN) | (most + (excess & (excess >> 31)));
  }
}

/** Each number moved to the nearest one in [0, 1], in place. */
function clampToUnit(bits: Int32Array): void {
  for (let i = 0; i < bits.length; i++) {
    const positive = bits[i] & ~(bits[i] >> 31);
    const excess = positive - ONE;
    bits[i] = ONE + (excess & (excess >> 31));
  }
}

const rowsOf: { readonly [N in Norm]: OfRow } = {
  linf: {
    norm: maximum,
    project: (row, epsilon) => {
      clampSize(bitsOf(row), epsilon);
    },
    steepest(gradient, out) {
      const [from, to] = [bitsOf(gradient), bitsOf(out)];
      for (let i = 0; i < to.length; i++) {
        const size = from[i] & SIZE;
        const nonzero = -size >> 31;
        to[i] = (ONE | (from[i] & SIGN)) & nonzero;
      }
    },
  },
  l2: {
    norm: euclidean,
    project(row, epsilon) {
      const norm = euclidean(row);
      if (norm > epsilon) scale(row, epsilon / norm, row);
    },
    steepest(gradient, out) {
      const norm = euclidean(gradient);
      scale(gradient, norm === 0 ? 0 : 1 / norm, out);
    },
  },
  l1: {
    norm: absolute,
    // Soft thresholding: every entry shrinks by the same amount, or to 0.
    project(row, epsilon) {
      const threshold = absolute(row) > epsilon ? belowThreshold(row, epsilon) : 0;
      for (let i = 0; i < row.length; i++)
        row[i] = Math.sign(row[i]) * Math.max(Math.abs(row[i]) - threshold, 0);
    },
    // All of the step goes to one pixel, the first of those with the largest gradient.
    steepest(gradient, out) {
      let at = 0;
      for (let i = 1; i < gradient.length; i++)
        if (Math.abs(gradient[i]) > Math.abs(gradient[at])) at = i;
      out.fill(0);
      out[at] = Math.sign(gradient[at]);
    },
  },
};

/** Each row times its own factor. */
const scaleRows = (x: Tensor, factors: readonly number[]): Tensor => {
  const [row, out] = [rowSize(x), tensor(x.shape)];
  factors.forEach((factor, i) => {
    const [from, to] = [i * row, (i + 1) * row];
    scale(x.data.subarray(from, to), factor, out.data.subarray(from, to));
  });
  return out;
};

/** (at + length · direction) − center, rounded to float32 after each operation, as if each were done on whole arrays. */
function offsetAfter(
  at: Float32Array,
  direction: Float32Array,
  length: number,
  center: Float32Array,
  out: Float32Array,
): void {
  for (let i = 0; i < out.length; i++)
    out[i] = Math.fround(at[i] + length * direction[i]) - center[i];
}

/** A ball, from its operations on a row and its sampler. */
function ballOf(
  { norm, project, steepest }: OfRow,
  sample: Ball["sample"],
  fast: (size: number) => AscendRow | null = () => null,
): Ball {
  const eachRow = (x: Tensor, fill: (from: number, to: number) => void) => {
    const row = rowSize(x);
    for (let from = 0; from < x.data.length; from += row) fill(from, from + row);
  };
  /** The step for rows of `size` pixels without WebAssembly. */
  const inLoops = (size: number): AscendRow => {
    const direction = new Float32Array(size);
    const row = new Float32Array(size);
    return (start, slope, step, x, radius) => {
      steepest(slope, direction);
      offsetAfter(start, direction, step, x, row);
      project(row, radius);
      addInPlace(row, x);
      clampToUnit(bitsOf(row));
      return { row, hasFiniteSlopes: allFinite(slope) };
    };
  };
  /** The step of each row, and whether the whole gradient is finite. */
  function ascended(at: Tensor, gradient: Tensor, length: number, center: Tensor, epsilon: number) {
    const size = rowSize(at);
    const ascendRow = fast(size) ?? inLoops(size);
    if (at.data.length === size) {
      const { row, hasFiniteSlopes } = ascendRow(
        at.data,
        gradient.data,
        length,
        center.data,
        epsilon,
      );
      return { next: tensor(at.shape, row.slice()), hasFiniteSlopes };
    }
    const next = tensor(at.shape);
    let areAllFinite = true;
    eachRow(next, (from, to) => {
      const part = ({ data }: Tensor) => data.subarray(from, to);
      const { row, hasFiniteSlopes } = ascendRow(
        part(at),
        part(gradient),
        length,
        part(center),
        epsilon,
      );
      next.data.set(row, from);
      areAllFinite &&= hasFiniteSlopes;
    });
    return { next, hasFiniteSlopes: areAllFinite };
  }
  return {
    sample,
    norm: (delta) => {
      const row = rowSize(delta);
      return Array.from({ length: delta.shape[0] ?? 0 }, (_, i) =>
        norm(delta.data.subarray(i * row, (i + 1) * row)),
      );
    },
    project(delta, epsilon) {
      const out = tensor(delta.shape, delta.data.slice());
      eachRow(out, (from, to) => {
        project(out.data.subarray(from, to), epsilon);
      });
      return out;
    },
    steepest(gradient) {
      const out = tensor(gradient.shape);
      eachRow(out, (from, to) => {
        steepest(gradient.data.subarray(from, to), out.data.subarray(from, to));
      });
      return out;
    },
    ascend: (at, gradient, length, center, epsilon) =>
      ascended(at, gradient, length, center, epsilon).next,
    ascendFinite(at, gradient, length, center, epsilon) {
      const { next, hasFiniteSlopes } = ascended(at, gradient, length, center, epsilon);
      return hasFiniteSlopes ? next : null;
    },
  };
}

const linf = ballOf(
  rowsOf.linf,
  (keys, shape, epsilon) => uniform(keys, shape, -epsilon, epsilon),
  (size) => fastAscent("linf", size),
);

// A uniform direction (Muller 1959), at radius ε u^(1/d), since the volume within a radius grows as its d-th power.
const l2: Ball = ballOf(
  rowsOf.l2,
  (keys, shape, epsilon) => {
    const direction = l2.steepest(normal(foldAll(keys, 0), shape));
    const u = uniform(foldAll(keys, 1), [keys.length, 1]).data;
    const d = rowSize(direction);
    return scaleRows(
      direction,
      Array.from(u, (share) => epsilon * share ** (1 / d)),
    );
  },
  (size) => fastAscent("l2", size),
);

// Laplace draws, divided by the sum of their absolute values and one more exponential draw, are uniform (Barthe et al. 2005,
// Theorem 1).
const l1: Ball = ballOf(rowsOf.l1, (keys, shape, epsilon) => {
  const draws = laplace(foldAll(keys, 0), shape);
  const more = laplace(foldAll(keys, 1), [keys.length, 1]).data;
  return scaleRows(
    draws,
    l1.norm(draws).map((size, i) => epsilon / (size + Math.abs(more[i]))),
  );
});

/** The ball of each norm. */
export const balls: { readonly [N in Norm]: Ball } = { linf, l2, l1 };
