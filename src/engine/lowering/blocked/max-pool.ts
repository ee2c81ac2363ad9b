// The gradient of max pooling on blocked arrays. A runtime's scatter takes one number after another; here each place of the window
// in turn takes what of dy is left, where x is the maximum, and hands it back by a convolution of one tap.

import type { Lowered } from "../../graph/lowered.ts";
import { is, type PoolAttributes, type Value } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import { type Deferred, deferredOf, type OpenConv } from "./deferred.ts";
import type { Nchwc } from "./nchwc.ts";

/** Places of a window beyond which the scatter is as fast. */
const MAX_PLACES = 16;

/** What a gradient of max pooling is made of. */
interface Parts {
  readonly x: Value;
  readonly dy: Value;
  readonly attrs: PoolAttributes;
}

/** The parts of dx, if `node` is the scatter that autodiff writes for it; null if it is another reshape. */
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

/** A kernel with a single one along an axis: its length, where the one is, and the zeros around the axis. */
interface Tap {
  readonly length: number;
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

/** The tap by which a convolution of `step` gives y[h] = x[step · h + offset] for `out` of h; x has `size` pixels, and zeros around. */
function tapFor(size: number, out: number, step: number, offset: number): Tap {
  const before = Math.max(0, -offset);
  const at = Math.max(0, offset);
  const surplus = size + before - (at + 1) - (out - 1) * step;
  // Zeros behind the one keep the convolution from giving more than `out`.
  const length = at + 1 + Math.max(0, surplus - step + 1);
  return { length, at, before, after: Math.max(0, -surplus) };
}

/** A convolution of each channel by itself with one tap. */
function picking(
  n: Nchwc,
  x: Lowered,
  strides: readonly number[],
  [down, across]: readonly [Tap, Tap],
): OpenConv {
  const channels = x.shape[1];
  const taps = down.length * across.length;
  const data = new Float32Array(channels * taps);
  for (let c = 0; c < channels; c++) data[c * taps + down.at * across.length + across.at] = 1;
  return {
    x,
    w: n.depthwiseWeights(n.numbers([channels, 1, down.length, across.length], data)),
    attrs: {
      strides,
      dilations: [1, 1],
      groups: channels,
      pads: [down.before, across.before, down.after, across.after],
    },
  };
}

/** dx in phases; null where this lowering has no form for it. `x` and `dy` are blocked. */
export function blockedMaxPoolGradient(
  b: Builder,
  n: Nchwc,
  { attrs, x: source }: Parts,
  x: Lowered,
  dy: Lowered,
): Deferred | null {
  const { kernel, strides, pads, dilations } = attrs;
  const [, , height, width] = x.shape;
  const [, , rows, columns] = dy.shape;
  const small = kernel[0] * kernel[1] <= MAX_PLACES && dilations.every((d) => d === 1);
  const whole = height % strides[0] === 0 && width % strides[1] === 0;
  if (!small || !whole) return null;
  const y = n.pool("NchwcMaxPool", x, attrs);
  const binary = (op: "Sub" | "Mul", p: Lowered, q: Lowered) =>
    b.make(op, [p, q], {}, p.dtype, p.shape);

  const parts: OpenConv[][][] = Array.from({ length: strides[0] }, () =>
    Array.from({ length: strides[1] }, () => []),
  );
  let left = dy;
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      const [r, c] = [i - pads[0], j - pads[1]];
      const {
        x: from,
        w,
        attrs: geometry,
      } = picking(n, x, strides, [
        tapFor(height, rows, strides[0], r),
        tapFor(width, columns, strides[1], c),
      ]);
      const below = binary("Sub", n.conv(from, w, geometry), y);
      const isTop = b.make("HardSigmoid", [below], { alpha: 1e30, beta: 1 }, y.dtype, y.shape);
      const share = binary(
        "Mul",
        withoutBorder(b, n, isTop, { r, c, strides, height, width }),
        left,
      );
      left = binary("Sub", left, share);
      // dx[step · h + r] takes share[h]: in the phase of r it lies ⌊r / step⌋ further.
      const shift = [Math.floor(r / strides[0]), Math.floor(c / strides[1])];
      const back = picking(
        n,
        share,
        [1, 1],
        [
          tapFor(rows, height / strides[0], 1, -shift[0]),
          tapFor(columns, width / strides[1], 1, -shift[1]),
        ],
      );
      parts[r - shift[0] * strides[0]][c - shift[1] * strides[1]].push(back);
    }
  const phases = { steps: [strides[0], strides[1]] as const, parts };
  return deferredOf(x.shape, source.shape[1], { phases: [phases] });
}

/** `isTop` with 0 where a place of the window lies in the border, whose zeros may look like a maximum. */
function withoutBorder(
  b: Builder,
  n: Nchwc,
  isTop: Lowered,
  at: { r: number; c: number; strides: readonly number[]; height: number; width: number },
): Lowered {
  const [batch, channels, rows, columns] = isTop.shape;
  const inside = (count: number, offset: number, step: number, size: number) =>
    Array.from({ length: count }, (_, h) => {
      const place = h * step + offset;
      return place >= 0 && place < size ? 1 : 0;
    });
  const down = inside(rows, at.r, at.strides[0], at.height);
  const across = inside(columns, at.c, at.strides[1], at.width);
  if (![...down, ...across].includes(0)) return isTop;
  const B = n.block;
  const data = new Float32Array(rows * columns * B);
  for (const [h, inRow] of down.entries())
    for (const [w, inColumn] of across.entries()) {
      const from = (h * columns + w) * B;
      data.fill(inRow * inColumn, from, from + B);
    }
  const mask = n.numbers([1, rows * columns * B], data);
  const planes = n.reshape(isTop, [(batch * channels) / B, rows * columns * B]);
  const product = b.make("Mul", [planes, mask], {}, isTop.dtype, planes.shape);
  return n.reshape(product, isTop.shape);
}
