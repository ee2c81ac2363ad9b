// The gradient of max pooling on blocked arrays. Autodiff writes a scatter, which ONNX Runtime executes element by element.
// Here each place (i, j) of the window takes its turn: if x has the maximum there, it takes what is left of dy, and a
// convolution with a single tap moves its share back to that pixel. So the first of tied places gets all, as in the scatter.

import type { Shape } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import { is, type PoolAttributes, type Value } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import { type Deferred, deferredOf, type PendingConv } from "./deferred.ts";
import type { NchwcBuilder } from "./nchwc-builder.ts";

/** Size of a window, in places, from which on the scatter is as fast. */
const MAX_PLACES = 16;

/** What a gradient of max pooling depends on. */
interface Parts {
  /** [batch, channel, height, width]. */
  readonly x: Value;
  /** [batch, channel, rows, columns]. */
  readonly dy: Value;
  readonly attrs: PoolAttributes;
}

/** The parts of dx if `node` is the last node of a gradient of max pooling as autodiff writes it; otherwise null. */
export function maxPoolGradientParts(node: Value): Parts | null {
  const [scatter] = node.inputs;
  if (!is(node, "Reshape") || !is(scatter, "ScatterAdd")) return null;
  const [updates, places] = scatter.inputs;
  const indices = is(places, "Reshape") ? places.inputs[0] : places;
  const dy = is(updates, "Reshape") ? updates.inputs[0] : updates;
  if (!is(indices, "MaxPoolIndices") || dy.shape.join() !== indices.shape.join()) return null;
  const [x] = indices.inputs;
  return x.shape.join() === node.shape.join() ? { x, dy, attrs: indices.attrs } : null;
}

/** A kernel along one axis that has a single one and zeros otherwise, and the padding of the axis. */
interface Tap {
  readonly length: number;
  /** Index of the one. */
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

/**
 * The tap with which a convolution of stride `step` computes y[h] = x[step · h + offset] for h < out. x has `size` elements
 * and zeros around them.
 */
function tapFor(size: number, out: number, step: number, offset: number): Tap {
  const before = Math.max(0, -offset);
  const at = Math.max(0, offset);
  const surplus = size + before - (at + 1) - (out - 1) * step;
  // Zeros after the one shorten the result to `out`.
  const length = at + 1 + Math.max(0, surplus - step + 1);
  return { length, at, before, after: Math.max(0, -surplus) };
}

/** A depthwise convolution of a blocked x with one tap. */
function shift(
  nchwc: NchwcBuilder,
  x: Lowered,
  strides: readonly number[],
  [down, across]: readonly [Tap, Tap],
): PendingConv {
  const channels = x.shape[1];
  const taps = down.length * across.length;
  const data = new Float32Array(channels * taps);
  for (let c = 0; c < channels; c++) data[c * taps + down.at * across.length + across.at] = 1;
  return {
    x,
    w: nchwc.depthwiseWeights(nchwc.numbers([channels, 1, down.length, across.length], data)),
    attrs: {
      strides,
      dilations: [1, 1],
      groups: channels,
      pads: [down.before, across.before, down.after, across.after],
    },
  };
}

/**
 * dx in phases, for blocked x and dy; null if this lowering has no form for it, as for large windows. dx is
 * [batch, channel, height, width] with height and width rounded up to multiples of the stride: zeros follow x.
 */
export function blockedMaxPoolGradient(
  b: Builder,
  nchwc: NchwcBuilder,
  { attrs, x: source }: Parts,
  x: Lowered,
  dy: Lowered,
): Deferred | null {
  const { kernel, strides, pads, dilations } = attrs;
  const [, , height, width] = x.shape;
  const [, , rows, columns] = dy.shape;
  if (kernel[0] * kernel[1] > MAX_PLACES) return null;
  // Rows and columns of a phase.
  const [h, w] = [Math.ceil(height / strides[0]), Math.ceil(width / strides[1])];
  const y = nchwc.pool("NchwcMaxPool", x, attrs);
  const binary = (op: "Sub" | "Mul", p: Lowered, q: Lowered) =>
    b.make(op, [p, q], {}, p.dtype, p.shape);

  const parts: PendingConv[][][] = Array.from({ length: strides[0] }, () =>
    Array.from({ length: strides[1] }, () => []),
  );
  let left = dy;
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      const [r, c] = [i * dilations[0] - pads[0], j * dilations[1] - pads[1]];
      const place = shift(nchwc, x, strides, [
        tapFor(height, rows, strides[0], r),
        tapFor(width, columns, strides[1], c),
      ]);
      // HardSigmoid(10³⁰ · (x − y) + 1): 1 where x = y, and 0 below, unless x is within 10⁻³⁰ of y.
      const below = binary("Sub", nchwc.conv(place.x, place.w, place.attrs), y);
      const isMax = b.make("HardSigmoid", [below], { alpha: 1e30, beta: 1 }, y.dtype, y.shape);
      const inside = placesInside([r, c], attrs, x.shape, dy.shape);
      const share = binary("Mul", inside === null ? isMax : masked(b, nchwc, isMax, inside), left);
      left = binary("Sub", left, share);
      // dx[step · h + r] gets share[h]. That pixel is in phase r mod step, at h + ⌊r / step⌋.
      const moved = [Math.floor(r / strides[0]), Math.floor(c / strides[1])];
      const back = shift(
        nchwc,
        share,
        [1, 1],
        [tapFor(rows, h, 1, -moved[0]), tapFor(columns, w, 1, -moved[1])],
      );
      parts[r - moved[0] * strides[0]][c - moved[1] * strides[1]].push(back);
    }
  const phases = { steps: [strides[0], strides[1]] as const, parts };
  const shape = [x.shape[0], x.shape[1], h * strides[0], w * strides[1]];
  return deferredOf(shape, source.shape[1], { phases: [phases] });
}

/**
 * For each output pixel, 1 if this place of its window lies inside of x, or 0 if it lies in the padding: [rows, columns].
 * Null if all lie inside. `place` is the row and column of the place relative to `stride · output pixel`.
 */
function placesInside(
  place: readonly [number, number],
  { strides }: PoolAttributes,
  xShape: Shape,
  dyShape: Shape,
): number[][] | null {
  const [down, across] = [0, 1].map((i) =>
    Array.from({ length: dyShape[i + 2] }, (_, h) => {
      const at = h * strides[i] + place[i];
      return at >= 0 && at < xShape[i + 2] ? 1 : 0;
    }),
  );
  if (![...down, ...across].includes(0)) return null;
  return down.map((row) => across.map((column) => row * column));
}

/** A blocked x [batch, channel, rows, columns] times `mask` [rows, columns]. Zeros in the padding may equal a maximum. */
function masked(
  b: Builder,
  nchwc: NchwcBuilder,
  x: Lowered,
  mask: readonly (readonly number[])[],
): Lowered {
  const [batch, channels, rows, columns] = x.shape;
  const B = nchwc.block;
  const data = mask.flat().flatMap((value) => new Array<number>(B).fill(value));
  const factor = nchwc.numbers([1, rows * columns * B], data);
  const planes = nchwc.reshape(x, [(batch * channels) / B, rows * columns * B]);
  const product = b.make("Mul", [planes, factor], {}, x.dtype, planes.shape);
  return nchwc.reshape(product, x.shape);
}
