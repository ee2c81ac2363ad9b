// A 3×3 convolution by Winograd's minimal filtering F(2×2, 3×3) (Lavin & Gray 2016, arXiv:1509.09308): for each tile of
// 2 × 2 pixels of y, Y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ X B)] A, with 16 products per channel pair instead of 36. Here the input
// transform Bᵀ X B is 16 depthwise convolutions, and the products, summed over channels, are 16 pointwise ones.

import { boundsOf } from "../../../math/bounds.ts";
import type { Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";
import { winogradCostsLess } from "./cost.ts";
import type { PendingConv } from "./deferred.ts";
import type { NchwcBuilder } from "./nchwc-builder.ts";

/** The rows of Bᵀ, which have two nonzero entries each: [first column, distance to the second, both entries]. */
const INPUT_TRANSFORM = [
  [0, 2, 1, -1],
  [1, 1, 1, 1],
  [1, 1, -1, 1],
  [1, 2, 1, -1],
] as const;

/** G. */
const WEIGHT_TRANSFORM = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
] as const;

/** Largest part of x, in elements, that is transformed at a time, so that the transformed pixels stay in the cache. */
const MAX_PART = 2 ** 20;

/**
 * Whether a convolution has a Winograd form that costs at most as much as the direct one (`winogradCostsLess`). It needs a
 * 3×3 kernel, stride 1, padding 1, images of at least 4 × 4 pixels, and whole blocks of channels in x.
 */
export function winogradWins(
  { block }: NchwcBuilder,
  breakEven: number,
  { x, w, attrs }: PendingConv,
): boolean {
  const { strides, dilations, pads, groups } = attrs;
  const [, into, height, width] = x.shape;
  const is3x3 = w.shape[2] === 3 && w.shape[3] === 3 && pads.every((p) => p === 1);
  const isDense = groups === 1 && [...strides, ...dilations].every((n) => n === 1);
  const hasTiles = Math.min(height, width) >= 4 && into % block === 0;
  return (
    is3x3 &&
    isDense &&
    hasTiles &&
    winogradCostsLess(breakEven, { into, out: w.shape[0], height, width })
  );
}

/**
 * The Winograd form of a convolution for which `winogradWins`: x [batch, in, height, width] and w [out, in, 3, 3] →
 * [batch, out, height, width], all blocked.
 */
export function winograd(b: Builder, nchwc: NchwcBuilder, { x, w }: PendingConv): Lowered {
  const [batch, channels, height, width] = x.shape;
  const weights = transformedWeights(b, nchwc, w);
  const perPart = Math.max(1, Math.floor(MAX_PART / (channels * height * width)));
  const bounds = boundsOf(batch, Math.ceil(batch / Math.min(batch, perPart)));
  const parts = bounds.slice(1).map((stop, i) => {
    const examples = nchwc.cut(x, 0, bounds[i], stop);
    return convolve(b, nchwc, examples, weights);
  });
  return nchwc.concat(parts, 0);
}

/** 4 × 4 arrays. */
type Tile = readonly (readonly Lowered[])[];

/** A function of all pairs of 0, 1, 2, 3. */
const tile = (at: (a: number, c: number) => Lowered): Tile =>
  [0, 1, 2, 3].map((a) => [0, 1, 2, 3].map((c) => at(a, c)));

/**
 * U = G w Gᵀ: U[a][c] is a blocked pointwise kernel [out, in, 1, 1]. Row 3 and column 3 are negated: Aᵀ subtracts them,
 * and a fused sum can only add.
 */
function transformedWeights(b: Builder, nchwc: NchwcBuilder, w: Lowered): Tile {
  const [out, into] = w.shape;
  const blocks = (out / nchwc.block) * (into / nchwc.block);
  const perBlock = nchwc.block * nchwc.block;
  const sign = (a: number) => (a === 3 ? -1 : 1);
  // (G ⊗ G) [16, 9], applied to [block, tap, channel pair of the block].
  const transform = WEIGHT_TRANSFORM.flatMap((row, a) =>
    WEIGHT_TRANSFORM.flatMap((column, c) =>
      row.flatMap((r) => column.map((s) => r * s * sign(a) * sign(c))),
    ),
  );
  const transformed = b.make(
    "MatMul",
    [nchwc.numbers([16, 9], transform), nchwc.reshape(w, [blocks, 9, perBlock])],
    {},
    w.dtype,
    [blocks, 16, perBlock],
  );
  return tile((a, c) => {
    const index = 4 * a + c;
    return nchwc.reshape(nchwc.cut(transformed, 1, index, index + 1), [out, into, 1, 1]);
  });
}

/**
 * The input transform for x [batch, channel, height, width] and padding 1: a function of (a, c) that gives (Bᵀ X B)[a][c] of
 * every tile, [batch, channel, ⌈height / 2⌉, ⌈width / 2⌉]. Each is a depthwise 2×2 convolution with stride 2, whose
 * dilation is the distance between the two pixels.
 */
export function transformedPixels(
  nchwc: NchwcBuilder,
  x: Lowered,
): (a: number, c: number) => Lowered {
  const [, channels, height, width] = x.shape;
  const [tilesDown, tilesAcross] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  /** Padding after the last pixel, so that the last of `count` tiles has its second pixel. */
  const padAfter = (size: number, count: number, first: number, distance: number) =>
    Math.max(0, 2 * (count - 1) - 1 + first + distance - (size - 1));
  return (a, c) => {
    const [top, down, r0, r1] = INPUT_TRANSFORM[a];
    const [left, across, c0, c1] = INPUT_TRANSFORM[c];
    const kernel = repeatedKernel(nchwc, channels, [r0 * c0, r0 * c1, r1 * c0, r1 * c1]);
    const below = padAfter(height, tilesDown, top, down);
    const right = padAfter(width, tilesAcross, left, across);
    return nchwc.conv(x, kernel, {
      strides: [2, 2],
      pads: [1 - top, 1 - left, below, right],
      dilations: [down, across],
      groups: channels,
    });
  };
}

/** Depthwise weights [channel, 1, 2, 2], the same window of four numbers for every channel. */
export function repeatedKernel(
  nchwc: NchwcBuilder,
  channels: number,
  window: readonly number[],
): Lowered {
  const values = Array.from({ length: channels }, () => window).flat();
  return nchwc.depthwiseWeights(nchwc.numbers([channels, 1, 2, 2], values));
}

/** The convolution of some examples: x [batch, in, height, width] → [batch, out, height, width]. */
function convolve(b: Builder, nchwc: NchwcBuilder, x: Lowered, weights: Tile): Lowered {
  const [batch, , height, width] = x.shape;
  const pixels = transformedPixels(nchwc, x);
  const pointwise = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };
  const product = (a: number, c: number, sum?: Lowered) =>
    nchwc.conv(pixels(a, c), weights[a][c], pointwise, { sum });

  // Y = Aᵀ M A with Aᵀ = [1 1 1 0; 0 1 −1 −1], M[3][·] and M[·][3] negated: for each column c of M both rows of Aᵀ M.
  const columns = [0, 1, 2, 3].map((c) => {
    const [m1, m2] = [product(1, c), product(2, c)];
    return [product(0, c, binary(b, "Add", m1, m2)), product(3, c, binary(b, "Sub", m1, m2))];
  });
  const phases = [0, 1].map((row) => {
    const [t0, t1, t2, t3] = columns.map((column) => column[row]);
    const left = binary(b, "Add", t0, binary(b, "Add", t1, t2));
    return [left, binary(b, "Add", t3, binary(b, "Sub", t1, t2))];
  });
  const out = weights[0][0].shape[0];
  return interleaved(nchwc, phases, [batch, out, height, width]);
}

const binary = (b: Builder, op: "Add" | "Sub", p: Lowered, q: Lowered): Lowered =>
  b.make(op, [p, q], {}, p.dtype, p.shape);

/** The image of this shape whose pixel (2i + a, 2j + c) is phases[a][c] at (i, j). Cuts surplus rows and columns off. */
function interleaved(
  nchwc: NchwcBuilder,
  phases: readonly (readonly Lowered[])[],
  shape: readonly [batch: number, channels: number, height: number, width: number],
): Lowered {
  const [batch, channels, height, width] = shape;
  const [h, w] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const planes = (batch * channels) / nchwc.block;
  const rows = phases.map((row) => {
    const pair = row.map((phase) => nchwc.reshape(phase, [planes * h * w, nchwc.block]));
    return nchwc.reshape(nchwc.concat(pair, 1), [planes * h, 2 * w * nchwc.block]);
  });
  const tiles = nchwc.reshape(nchwc.concat(rows, 1), [planes, 2 * h, 2 * w * nchwc.block]);
  const image = nchwc.cut(nchwc.cut(tiles, 1, 0, height), 2, 0, width * nchwc.block);
  return nchwc.reshape(image, shape);
}
