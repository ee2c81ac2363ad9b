// ∂L/∂x of a convolution on blocked arrays. With stride s the pixels of x fall into s × s phases, and each phase is an
// ordinary convolution of dy with those taps of the kernel that reach it.

import type { Lowered } from "../../graph/lowered.ts";
import type { Value } from "../../graph/value.ts";
import type { OpenConv, Phases } from "./deferred.ts";
import type { Nchwc } from "./nchwc.ts";

/** Along one axis, the taps that reach a phase, in the order in which they meet dy, and dy's padding there. */
interface Taps {
  readonly taps: readonly number[];
  readonly before: number;
  readonly after: number;
}

/** For each of `step` phases of an axis of `length` pixels; null where dy would have to be cut. */
function tapsOf(
  length: number,
  kernel: number,
  { step, pad, dilation }: { step: number; pad: number; dilation: number },
  out: number,
): Taps[] | null {
  const phases: Taps[] = [];
  for (let phase = 0; phase < step; phase++) {
    const all = Array.from({ length: kernel }, (_, i) => kernel - 1 - i);
    const offset = (i: number) => (phase + pad - i * dilation) / step;
    const taps = all.filter((i) => Number.isInteger(offset(i)));
    const rows = length / step;
    const before = taps.length === 0 ? 0 : -offset(taps[0]);
    const after = taps.length === 0 ? 0 : rows + offset(taps[taps.length - 1]) - out;
    if (before < 0 || after < 0) return null;
    phases.push({ taps, before, after });
  }
  return phases;
}

/** The taps of each channel's own kernel [channel, 1, rows, columns] in their order. */
function ownTaps(n: Nchwc, w: Lowered, rows: Taps, columns: Taps, steps: readonly number[]) {
  if (w.shape[2] * w.shape[3] === 1) return w;
  const axis = ({ taps }: Taps, step: number) => ({
    start: taps[0],
    stop: taps[taps.length - 1] - 1,
    step: -step,
  });
  const [r, c] = [axis(rows, steps[0]), axis(columns, steps[1])];
  return n.slice(
    w,
    [0, 0, r.start, c.start],
    [w.shape[0], 1, r.stop, c.stop],
    [1, 1, r.step, c.step],
  );
}

/** The gradient as a convolution (stride 1) or as phases; null where this lowering has no form for it. */
export function blockedInputGradient(
  n: Nchwc,
  { attrs: { inputShape, strides, pads, dilations, groups } }: Value<"ConvInputGradient">,
  dy: Lowered,
  w: Lowered,
): OpenConv | Phases | null {
  const [, channels, height, width] = inputShape;
  const depthwise = groups === channels && w.shape[1] === 1 && w.shape[0] === channels;
  const dense = strides.every((step) => step === 1);
  if ((!dense && dilations.some((d) => d !== 1)) || (groups !== 1 && !depthwise)) return null;
  if (height % strides[0] !== 0 || width % strides[1] !== 0) return null;
  const along = (i: 0 | 1) => ({ step: strides[i], pad: pads[i], dilation: dilations[i] });
  const rows = tapsOf(height, w.shape[2], along(0), dy.shape[2]);
  const columns = tapsOf(width, w.shape[3], along(1), dy.shape[3]);
  if (rows === null || columns === null) return null;
  const part = (row: Taps, column: Taps): OpenConv[] => {
    if (row.taps.length === 0 || column.taps.length === 0) return [];
    const weights = depthwise
      ? n.depthwiseWeights(ownTaps(n, w, row, column, strides))
      : n.exchanged(n.weights(w), row.taps, column.taps);
    const attrs = {
      strides: [1, 1],
      dilations,
      groups: depthwise ? weights.shape[0] : 1,
      pads: [row.before, column.before, row.after, column.after],
    };
    return [{ x: dy, w: weights, attrs }];
  };
  if (strides.every((step) => step === 1)) return part(rows[0], columns[0])[0];
  const parts = rows.map((row) => columns.map((column) => part(row, column)));
  return { steps: [strides[0], strides[1]], parts };
}

/**
 * The gradient of an image with few channels, in NCHW: f × f neighbouring pixels become channels of one convolution,
 * which so fills a block. Null where they are too many.
 */
export function fewChannelsGradient(
  n: Nchwc,
  { attrs: { inputShape, strides, pads, dilations, groups } }: Value<"ConvInputGradient">,
  dy: Lowered,
  w: Lowered,
): Lowered | null {
  const [batch, channels, height, width] = inputShape;
  const [out, , rows, columns] = w.shape;
  if (groups !== 1 || dilations.some((d) => d !== 1) || strides[0] !== strides[1]) return null;
  const stride = strides[0];
  const f = stride === 1 ? 2 : stride;
  const few = stride === 1 ? channels * f * f <= n.block : channels < n.block;
  if (!few || height % f !== 0 || width % f !== 0) return null;

  // dx[f·h + a] = Σᵢ w[i] · dy[(f·h + a + pad − i) / stride], for the i that divide.
  const axis = (kernel: number, pad: number, length: number, have: number) => {
    const offsets = Array.from({ length: f * kernel }, (_, k) => {
      const reach = Math.floor(k / kernel) + pad - (k % kernel);
      return reach / stride;
    }).filter(Number.isInteger);
    const [low, high] = [Math.min(...offsets), Math.max(...offsets)];
    const taps = high - low + 1;
    // tap[a][t]: which row of the kernel meets dy's row t of the window; `kernel` is a row of zeros.
    const tap = Array.from({ length: f }, (_, a) =>
      Array.from({ length: taps }, (_, t) => {
        const i = a + pad - stride * (t + low);
        return i >= 0 && i < kernel ? i : kernel;
      }),
    );
    const after = (f / stride) * (length / f - 1) + high + 1 - have;
    return { tap, taps, before: -low, after };
  };
  const r = axis(rows, pads[0], height, dy.shape[2]);
  const c = axis(columns, pads[1], width, dy.shape[3]);
  if (Math.min(r.before, r.after, c.before, c.after) < 0) return null;

  const places: number[] = [];
  for (const down of r.tap)
    for (const across of c.tap)
      for (const i of down) for (const j of across) places.push(i * (columns + 1) + j);
  const taps = r.taps * c.taps;
  const bordered = n.pad(w, [0, 0, 0, 0], [0, 0, 1, 1]);
  const flat = n.reshape(bordered, [out, channels, (rows + 1) * (columns + 1)]);
  const picked = n.gathered(flat, 2, places);
  const split = n.transpose(n.reshape(picked, [out, channels, f * f, taps]), [2, 1, 0, 3]);
  const weights = n.weights(n.reshape(split, [f * f * channels, out, r.taps, c.taps]));
  const merged = n.conv(dy, weights, {
    strides: [f / stride, f / stride],
    pads: [r.before, c.before, r.after, c.after],
    dilations: [1, 1],
    groups: 1,
  });
  const pieces = n.reshape(n.toPlain(merged, f * f * channels), [
    batch,
    f,
    f,
    channels,
    height / f,
    width / f,
  ]);
  return n.reshape(n.transpose(pieces, [0, 3, 4, 1, 5, 2]), inputShape);
}
