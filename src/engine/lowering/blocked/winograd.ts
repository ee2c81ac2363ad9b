// Convolution with a 3×3 kernel by Winograd's F(2×2, 3×3) (Lavin & Gray 2016, arXiv:1509.09308): 16 products instead of 36
// for four pixels. The transforms are convolutions of each channel by itself, the products pointwise convolutions.

import { boundsOf } from "../../../math/bounds.ts";
import type { Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";
import { costsLess } from "./cost.ts";
import type { OpenConv } from "./deferred.ts";
import type { Nchwc } from "./nchwc.ts";

/** Bᵀ as pairs of pixels: [first pixel, distance to the second, their factors]. */
const PIXELS = [
  [0, 2, 1, -1],
  [1, 1, 1, 1],
  [1, 1, -1, 1],
  [1, 2, 1, -1],
] as const;

/** G, which makes four numbers of a kernel's three. */
const KERNEL = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
] as const;

/** Examples are taken together up to this many elements of x, so that what the transforms write stays in the cache. */
const CHUNK = 2 ** 20;

/** Whether Winograd's form of a convolution costs less than the direct one, by the model of `cost.ts`; it has none for an x in NCHW. */
export function winogradWins(
  { block }: Nchwc,
  breakEven: number,
  { x, w, attrs }: OpenConv,
): boolean {
  const { strides, dilations, pads, groups } = attrs;
  const [, into, height, width] = x.shape;
  const square = w.shape[2] === 3 && w.shape[3] === 3 && pads.every((p) => p === 1);
  const plain = groups === 1 && [...strides, ...dilations].every((n) => n === 1);
  const wide = Math.min(height, width) >= 4 && into % block === 0;
  return square && plain && wide && costsLess(breakEven, { into, out: w.shape[0], height, width });
}

/** The convolution, blocked; x is blocked and has whole blocks of channels. */
export function winograd(b: Builder, n: Nchwc, { x, w }: OpenConv): Lowered {
  const [batch, channels, height, width] = x.shape;
  const weights = transformedWeights(b, n, w);
  const each = Math.max(1, Math.floor(CHUNK / (channels * height * width)));
  const count = Math.ceil(batch / Math.min(batch, each));
  const bounds = boundsOf(batch, count);
  const parts = bounds.slice(1).map((stop, i) => {
    const part = n.cut(x, 0, bounds[i], stop);
    return ofExamples(b, n, part, weights);
  });
  return n.concat(parts, 0);
}

/** U[a][b] = (G w Gᵀ)[a][b], each a blocked pointwise kernel [out, in, 1, 1]; the last of a row and column negated. */
function transformedWeights(b: Builder, n: Nchwc, w: Lowered): readonly (readonly Lowered[])[] {
  const [out, into] = w.shape;
  const blocks = (out / n.block) * (into / n.block);
  const inside = n.block * n.block;
  // Where the output transform subtracts, so that a sum can do it.
  const sign = (a: number) => (a === 3 ? -1 : 1);
  const kernel = KERNEL.flatMap((row, a) =>
    KERNEL.flatMap((column, c) => row.flatMap((r) => column.map((s) => r * s * sign(a) * sign(c)))),
  );
  const attrs = {};
  const product = b.make(
    "MatMul",
    [n.numbers([16, 9], kernel), n.reshape(w, [blocks, 9, inside])],
    attrs,
    w.dtype,
    [blocks, 16, inside],
  );
  return [0, 1, 2, 3].map((a) =>
    [0, 1, 2, 3].map((c) => {
      const tap = 4 * a + c;
      return n.reshape(n.cut(product, 1, tap, tap + 1), [out, into, 1, 1]);
    }),
  );
}

/** (Bᵀ x B)[a][c] of every 2 × 2 pixels of a 3×3 convolution with a border of 1: [batch, channel, ⌈height/2⌉, ⌈width/2⌉]. */
export function transformedPixels(n: Nchwc, x: Lowered) {
  const [, channels, height, width] = x.shape;
  const [h, w] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  // So that the last of `count` pairs of pixels is there.
  const behind = (size: number, count: number, first: number, distance: number) =>
    Math.max(0, 2 * (count - 1) - 1 + first + distance - (size - 1));
  return (a: number, c: number): Lowered => {
    const [top, down, r0, r1] = PIXELS[a];
    const [left, across, c0, c1] = PIXELS[c];
    const kernel = sameForAll(n, channels, [r0 * c0, r0 * c1, r1 * c0, r1 * c1]);
    const [below, right] = [behind(height, h, top, down), behind(width, w, left, across)];
    const pads = [1 - top, 1 - left, below, right];
    return n.conv(x, kernel, {
      strides: [2, 2],
      pads,
      dilations: [down, across],
      groups: channels,
    });
  };
}

/** A 2×2 kernel for each channel by itself, the same for all. */
export function sameForAll(n: Nchwc, channels: number, window: readonly number[]): Lowered {
  const values = Array.from({ length: channels }, () => window).flat();
  return n.depthwiseWeights(n.numbers([channels, 1, 2, 2], values));
}

function ofExamples(
  b: Builder,
  n: Nchwc,
  x: Lowered,
  weights: readonly (readonly Lowered[])[],
): Lowered {
  const [batch, , height, width] = x.shape;
  const [h, w] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const transformed = transformedPixels(n, x);
  const binary = (op: "Add" | "Sub", p: Lowered, q: Lowered) =>
    b.make(op, [p, q], {}, p.dtype, p.shape);
  const pointwise = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };
  const times = (a: number, c: number, sum?: Lowered) =>
    n.conv(transformed(a, c), weights[a][c], pointwise, sum === undefined ? {} : { sum });

  // Aᵀ M A with Aᵀ = [1 1 1 0; 0 1 −1 −1]: for each column c both rows, then both columns. M₃ comes negated.
  const columns = [0, 1, 2, 3].map((c) => {
    const [one, two] = [times(1, c), times(2, c)];
    return [times(0, c, binary("Add", one, two)), times(3, c, binary("Sub", one, two))];
  });
  const pieces = [0, 1].map((row) => {
    const [t0, t1, t2, t3] = columns.map((column) => column[row]);
    const left = binary("Add", t0, binary("Add", t1, t2));
    return [left, binary("Add", t3, binary("Sub", t1, t2))];
  });

  const out = weights[0][0].shape[0];
  const planes = (batch * out) / n.block;
  const rows = pieces.map((row) => {
    const pair = row.map((piece) => n.reshape(piece, [planes * h * w, n.block]));
    return n.reshape(n.concat(pair, 1), [planes * h, 2 * w * n.block]);
  });
  const whole = n.reshape(n.concat(rows, 1), [planes, 2 * h, 2 * w * n.block]);
  const cut = n.cut(n.cut(whole, 1, 0, height), 2, 0, width * n.block);
  return n.reshape(cut, [batch, out, height, width]);
}
