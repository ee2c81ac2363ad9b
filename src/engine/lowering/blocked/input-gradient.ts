// ∂L/∂x of a convolution on blocked arrays. With stride s the pixels of x fall into s × s phases. Each phase is an ordinary
// convolution of dy with those taps of the kernel that reach it.

import type { Lowered } from "../../graph/lowered.ts";
import type { Value } from "../../graph/value.ts";
import type { PendingConv, Phases } from "./deferred.ts";
import type { NchwcBuilder } from "./nchwc-builder.ts";

/** The taps that reach one phase along one axis, in the order in which they meet dy, and the padding of dy. */
interface Taps {
  readonly taps: readonly number[];
  readonly before: number;
  readonly after: number;
}

/** One axis of the convolution whose input gets a gradient. */
interface Axis {
  readonly kernel: number;
  readonly step: number;
  readonly pad: number;
  readonly dilation: number;
  /** Length of x. */
  readonly length: number;
  /** Length of dy. */
  readonly out: number;
}

/** The taps of each phase; null if a phase would need a negative padding of dy. */
function tapsOf({ kernel, step, pad, dilation, length, out }: Axis): Taps[] | null {
  const phases: Taps[] = [];
  for (let phase = 0; phase < step; phase++) {
    // Tap i adds w[i] · dy[h + offset(i)] to x[step · h + phase].
    const offset = (i: number) => (phase + pad - i * dilation) / step;
    const descending = Array.from({ length: kernel }, (_, i) => kernel - 1 - i);
    const taps = descending.filter((i) => Number.isInteger(offset(i)));
    const before = taps.length === 0 ? 0 : -offset(taps[0]);
    const after = taps.length === 0 ? 0 : length / step + offset(taps[taps.length - 1]) - out;
    if (before < 0 || after < 0) return null;
    phases.push({ taps, before, after });
  }
  return phases;
}

/** The given taps, in their order, of depthwise weights [channel, 1, rows, columns]. */
function depthwiseTaps(
  nchwc: NchwcBuilder,
  w: Lowered,
  rows: Taps,
  columns: Taps,
  steps: readonly number[],
): Lowered {
  if (w.shape[2] * w.shape[3] === 1) return w;
  const range = ({ taps }: Taps, step: number) => ({
    start: taps[0],
    stop: taps[taps.length - 1] - 1,
    step: -step,
  });
  const [r, c] = [range(rows, steps[0]), range(columns, steps[1])];
  return nchwc.slice(
    w,
    [0, 0, r.start, c.start],
    [w.shape[0], 1, r.stop, c.stop],
    [1, 1, r.step, c.step],
  );
}

/**
 * The gradient [batch, in, height, width] as a convolution (stride 1) or as phases; null if this lowering has no form for
 * it. dy [batch, out, rows, columns] is blocked, w [out, in / groups, rows, columns] is not.
 */
export function blockedInputGradient(
  nchwc: NchwcBuilder,
  { attrs: { inputShape, strides, pads, dilations, groups } }: Value<"ConvInputGradient">,
  dy: Lowered,
  w: Lowered,
): PendingConv | Phases | null {
  const [, channels, height, width] = inputShape;
  const depthwise = groups === channels && w.shape[1] === 1 && w.shape[0] === channels;
  const dense = strides.every((step) => step === 1);
  if ((!dense && dilations.some((d) => d !== 1)) || (groups !== 1 && !depthwise)) return null;
  if (height % strides[0] !== 0 || width % strides[1] !== 0) return null;
  const axis = (i: 0 | 1): Axis => ({
    kernel: w.shape[i + 2],
    step: strides[i],
    pad: pads[i],
    dilation: dilations[i],
    length: inputShape[i + 2],
    out: dy.shape[i + 2],
  });
  const [rows, columns] = [tapsOf(axis(0)), tapsOf(axis(1))];
  if (rows === null || columns === null) return null;
  const phase = (row: Taps, column: Taps): PendingConv[] => {
    if (row.taps.length === 0 || column.taps.length === 0) return [];
    const weights = depthwise
      ? nchwc.depthwiseWeights(depthwiseTaps(nchwc, w, row, column, strides))
      : nchwc.exchanged(nchwc.weights(w), row.taps, column.taps);
    const attrs = {
      strides: [1, 1],
      dilations,
      groups: depthwise ? weights.shape[0] : 1,
      pads: [row.before, column.before, row.after, column.after],
    };
    return [{ x: dy, w: weights, attrs }];
  };
  if (dense) return phase(rows[0], columns[0])[0];
  const parts = rows.map((row) => columns.map((column) => phase(row, column)));
  return { steps: [strides[0], strides[1]], parts };
}

/** One axis of a convolution that computes f neighbouring pixels of dx at once. */
interface Window {
  /** For each of the f pixels, the tap of w that meets each element of the window of dy; `kernel` for none. */
  readonly tapOf: readonly (readonly number[])[];
  /** Length of the window of dy. */
  readonly size: number;
  readonly before: number;
  readonly after: number;
}

/** dx[f·h + a] = Σᵢ w[i] · dy[(f·h + a + pad − i) / stride], over the i for which the index is whole. */
function windowOf(f: number, { kernel, step: stride, pad, length, out }: Axis): Window {
  const offsets = Array.from({ length: f * kernel }, (_, k) => {
    const [pixel, tap] = [Math.floor(k / kernel), k % kernel];
    return (pixel + pad - tap) / stride;
  }).filter(Number.isInteger);
  const [low, high] = [Math.min(...offsets), Math.max(...offsets)];
  const size = high - low + 1;
  const tapOf = Array.from({ length: f }, (_, a) =>
    Array.from({ length: size }, (_, t) => {
      const i = a + pad - stride * (t + low);
      return i >= 0 && i < kernel ? i : kernel;
    }),
  );
  const after = (f / stride) * (length / f - 1) + high + 1 - out;
  return { tapOf, size, before: -low, after };
}

/**
 * The gradient of images with few channels, such as RGB, as an array in NCHW. The f × f neighbouring pixels of a channel
 * become channels of one convolution, which then fill a block; f is the stride, or 2 for stride 1. Null if there are too
 * many channels, or if this form does not apply. dy [batch, out, rows, columns] is blocked, w [out, in, rows, columns] is
 * not.
 */
export function fewChannelsGradient(
  nchwc: NchwcBuilder,
  { attrs: { inputShape, strides, pads, dilations, groups } }: Value<"ConvInputGradient">,
  dy: Lowered,
  w: Lowered,
): Lowered | null {
  const [batch, channels, height, width] = inputShape;
  if (groups !== 1 || dilations.some((d) => d !== 1) || strides[0] !== strides[1]) return null;
  const stride = strides[0];
  const f = stride === 1 ? 2 : stride;
  const isFew = stride === 1 ? channels * f * f <= nchwc.block : channels < nchwc.block;
  if (!isFew || height % f !== 0 || width % f !== 0) return null;

  const axis = (i: 0 | 1): Axis => ({
    kernel: w.shape[i + 2],
    step: stride,
    pad: pads[i],
    dilation: 1,
    length: inputShape[i + 2],
    out: dy.shape[i + 2],
  });
  const [down, across] = [windowOf(f, axis(0)), windowOf(f, axis(1))];
  if (Math.min(down.before, down.after, across.before, across.after) < 0) return null;

  const merged = nchwc.conv(dy, mergedWeights(nchwc, w, f, down, across), {
    strides: [f / stride, f / stride],
    pads: [down.before, across.before, down.after, across.after],
    dilations: [1, 1],
    groups: 1,
  });
  // [batch, pixel row, pixel column, channel, height / f, width / f] → [batch, channel, height, width].
  const pixels = [batch, f, f, channels, height / f, width / f];
  const split = nchwc.reshape(nchwc.toPlain(merged, f * f * channels), pixels);
  return nchwc.reshape(nchwc.transpose(split, [0, 3, 4, 1, 5, 2]), inputShape);
}

/** Weights of the merged convolution: w [out, in, rows, columns] → [f · f · in, out, window rows, window columns]. */
function mergedWeights(
  nchwc: NchwcBuilder,
  w: Lowered,
  f: number,
  down: Window,
  across: Window,
): Lowered {
  const [out, channels, rows, columns] = w.shape;
  // Zeros in one more row and column, for elements of a window that no tap meets.
  const padded = nchwc.pad(w, [0, 0, 0, 0], [0, 0, 1, 1]);
  const flat = nchwc.reshape(padded, [out, channels, (rows + 1) * (columns + 1)]);
  const places: number[] = [];
  for (const rowTaps of down.tapOf)
    for (const columnTaps of across.tapOf)
      for (const i of rowTaps) for (const j of columnTaps) places.push(i * (columns + 1) + j);
  const picked = nchwc.gathered(flat, 2, places);
  const split = nchwc.reshape(picked, [out, channels, f * f, down.size * across.size]);
  const exchanged = nchwc.transpose(split, [2, 1, 0, 3]);
  return nchwc.weights(nchwc.reshape(exchanged, [f * f * channels, out, down.size, across.size]));
}
