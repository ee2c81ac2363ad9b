// The geometry of ℓ0: how many pixels change. A pixel is all channels at one position.
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { rowOf } from "./examples.ts";
import { positionsOf } from "./frame.ts";

const positionsIn = ({ shape }: Tensor): number => positionsOf(shape.slice(1));

/**
 * For each row the number of pixels in which `adversarial` and x, both [batch, ...pixels], differ by more than `tolerance` in
 * some channel; 0 counts every difference of a float32.
 *
 * @example
 * ```ts
 * import { changedPixels, tensor } from "rampart";
 *
 * const x = tensor([1, 1, 2, 2], [0, 0.2, 0.4, 0.6]);
 * const adversarial = tensor([1, 1, 2, 2], [0, 1, 0.4, 0]);
 * if (changedPixels(adversarial, x)[0] !== 2) throw new Error("two pixels differ");
 * ```
 */
export function changedPixels(adversarial: Tensor, x: Tensor, tolerance = 0): number[] {
  const positions = positionsIn(x);
  return Array.from({ length: x.shape[0] ?? 0 }, (_, row) => {
    const [a, b] = [rowOf(adversarial, row), rowOf(x, row)];
    const changed = new Uint8Array(positions);
    for (let i = 0; i < a.length; i++)
      if (!(Math.abs(a[i] - b[i]) <= tolerance)) changed[i % positions] = 1;
    return changed.reduce((sum, one) => sum + one, 0);
  });
}

/** The `count` positions with the largest values above 0, the first ones on a tie. */
function largest(values: Float64Array, count: number): number[] {
  const order = Array.from(values.keys()).filter((i) => values[i] > 0);
  return order.sort((i, j) => values[j] - values[i] || i - j).slice(0, count);
}

/** A copy of x in which each row takes the numbers of `from` at its positions, both [batch, ...pixels]. */
function withPixels(x: Tensor, from: Tensor, chosen: (row: number) => readonly number[]): Tensor {
  const [positions, size] = [positionsIn(x), rowSize(x)];
  const out = tensor(x.shape, x.data.slice());
  for (let row = 0; row < x.shape[0]; row++)
    for (const position of chosen(row))
      for (let i = row * size + position; i < (row + 1) * size; i += positions)
        out.data[i] = from.data[i];
  return out;
}

/** For each position of a row the sum of `part` over its channels. */
function sumsOf(x: Tensor, row: number, part: (i: number) => number): Float64Array {
  const [positions, size] = [positionsIn(x), rowSize(x)];
  const sums = new Float64Array(positions);
  for (let i = 0; i < size; i++) sums[i % positions] += part(row * size + i);
  return sums;
}

/**
 * The points closest to `adversarial` [batch, ...pixels], in ℓ2, that differ from x in at most `count` pixels: the pixels with
 * the largest changes stay, and the others are x's to the bit. Both are in [0, 1].
 *
 * @example
 * ```ts
 * import { projectPixels, tensor } from "rampart";
 *
 * const x = tensor([1, 1, 2, 2], [0, 0.2, 0.4, 0.6]);
 * const adversarial = tensor([1, 1, 2, 2], [0, 1, 0.4, 0]);
 * const { data } = projectPixels(adversarial, x, 1);
 * if (data[1] !== 1 || data[3] !== x.data[3]) throw new Error("the larger change stays");
 * ```
 */
export const projectPixels = (adversarial: Tensor, x: Tensor, count: number): Tensor =>
  withPixels(x, adversarial, (row) =>
    largest(
      sumsOf(x, row, (i) => (adversarial.data[i] - x.data[i]) ** 2),
      count,
    ),
  );

/**
 * The points of [0, 1] within `count` pixels of x that a linear function with this gradient prefers, each [batch, ...pixels]:
 * the pixels that gain most go to a corner of the box.
 */
export function steepestPixels(x: Tensor, gradient: Tensor, count: number): Tensor {
  const corner = tensor(
    x.shape,
    gradient.data.map((slope, i) => (slope === 0 ? x.data[i] : Number(slope > 0))),
  );
  return withPixels(x, corner, (row) =>
    largest(
      sumsOf(x, row, (i) => gradient.data[i] * (corner.data[i] - x.data[i])),
      count,
    ),
  );
}
