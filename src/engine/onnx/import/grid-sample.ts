// Sampling at positions that may depend on the image (spatial transformers, Jaderberg et al. 2015,
// arXiv:1506.02025):
// https://onnx.ai/onnx/operators/onnx__GridSample.html
//
// Opset 16: modes bilinear and bicubic. Opset 20: their names are linear and cubic. Opset 22: more
// types.

import { lookUp } from "../../../math/look-up.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { type ImportNode, unknownValue } from "./import-node.ts";

const num = (x: Value, value: number): Value => g.scalarLike(x, value);

/** How to sample along one axis of this length. */
interface Sampling {
  readonly length: number;
  /** linear, nearest or cubic. */
  readonly mode: string;
  /** zeros, border or reflection. */
  readonly padding: string;
  /** Whether −1 and 1 are the centres of the outer pixels, instead of their edges. */
  readonly alignCorners: boolean;
}

/** The pixels that samples read along one axis, each with an integer position and a weight [batch, samples]. */
type Neighbours = readonly (readonly [position: Value, weight: Value])[];

const modes: readonly string[] = ["linear", "nearest", "cubic"];
const paddings: readonly string[] = ["zeros", "border", "reflection"];

/** Names of modes before opset 20. */
const oldModes: Readonly<Record<string, string>> = { bilinear: "linear", bicubic: "cubic" };

/** Positions in pixels, from coordinates in −1 … 1. */
function pixels(coordinate: Value, { length, alignCorners }: Sampling): Value {
  const shifted = g.add(coordinate, num(coordinate, 1));
  if (alignCorners) return g.mul(shifted, num(coordinate, (length - 1) / 2));
  return g.sub(g.mul(shifted, num(coordinate, length / 2)), num(coordinate, 0.5));
}

/** Positions reflected at the borders: the centres of the outer pixels, or their edges. */
function reflected(position: Value, { length, alignCorners }: Sampling): Value {
  const [low, span] = alignCorners ? [0, length - 1] : [-0.5, length];
  if (span === 0) return g.mul(position, num(position, 0));
  const distance = g.abs(g.sub(position, num(position, low)));
  const reflections = g.floor(g.div(distance, num(position, span)));
  const rest = g.sub(distance, g.mul(reflections, num(position, span)));
  const even = g.mul(g.floor(g.mul(reflections, num(position, 0.5))), num(position, 2));
  const isOdd = g.greater(g.sub(reflections, even), num(position, 0.5));
  return g.add(g.where(isOdd, g.sub(num(position, span), rest), rest), num(position, low));
}

/** Positions after padding. `zeros` leaves them unchanged: samples outside get a weight of 0 later. */
function padded(position: Value, sampling: Sampling): Value {
  if (sampling.padding === "zeros") return position;
  const inside = sampling.padding === "reflection" ? reflected(position, sampling) : position;
  return g.clip(inside, 0, sampling.length - 1);
}

/** Keys' cubic kernel (Keys 1981) with a = −0.75 at a distance t in [0, 1]. */
const near = (t: Value): Value =>
  g.add(g.mul(g.mul(g.sub(g.mul(t, num(t, 1.25)), num(t, 2.25)), t), t), num(t, 1));

/** The same kernel at a distance t in (1, 2]. */
const far = (t: Value): Value =>
  g.sub(
    g.mul(g.add(g.mul(g.add(g.mul(t, num(t, -0.75)), num(t, 3.75)), t), num(t, -6)), t),
    num(t, -3),
  );

/**
 * The neighbours of positions before padding. Nearest sampling has no gradient with respect to the
 * position; this adds a note.
 */
function unpaddedNeighbours(node: ImportNode, position: Value, mode: string): Neighbours {
  const plus = (v: Value, n: number) => g.add(v, num(v, n));
  if (mode === "nearest") {
    if (!node.isConstant(position))
      node.note({
        code: "nearest-sampling",
        text: `${node.type} samples the nearest pixels, so no gradient flows to its grid`,
      });
    return [[g.round(position), num(position, 1)]];
  }
  const low = g.floor(position);
  const fraction = g.sub(position, low);
  const complement = g.sub(num(position, 1), fraction);
  if (mode === "linear")
    return [
      [low, complement],
      [plus(low, 1), fraction],
    ];
  return [
    [plus(low, -1), far(plus(fraction, 1))],
    [low, near(fraction)],
    [plus(low, 1), near(complement)],
    [plus(low, 2), far(plus(complement, 1))],
  ];
}

/** The neighbours of samples with coordinates [batch, samples] along one axis. */
function neighboursOf(node: ImportNode, coordinate: Value, sampling: Sampling): Neighbours {
  const { length, mode } = sampling;
  const position = pixels(coordinate, sampling);
  // A cubic kernel reads beyond the border, so each of its neighbours is padded.
  const inside = mode === "cubic" ? position : padded(position, sampling);
  return unpaddedNeighbours(node, inside, mode).map(([neighbour, weight]) => {
    const moved = padded(g.stopGradient(neighbour), sampling);
    const clipped = g.clip(moved, 0, length - 1);
    const isOutside = g.greater(g.abs(g.sub(moved, clipped)), num(moved, 0.5));
    return [clipped, g.where(isOutside, num(moved, 0), weight)] as const;
  });
}

/** The mode and the padding of a node; throws `UsageError` for unknown ones. */
function modesOf(node: ImportNode): { readonly mode: string; readonly padding: string } {
  const stated = node.string("mode", "linear");
  const mode = lookUp(oldModes, stated) ?? stated;
  if (!modes.includes(mode)) throw unknownValue(node, "mode", stated, modes);
  const padding = node.string("padding_mode", "zeros");
  if (!paddings.includes(padding)) throw unknownValue(node, "padding_mode", padding, paddings);
  return { mode, padding };
}

/** (x [batch, channel, height, width], grid [batch, rows, columns, (x, y)]) ↦ [batch, channel, rows, columns]. */
export function gridSample(node: ImportNode): Value {
  const [x, grid] = [node.input(0), node.input(1)];
  if (x.shape.length !== 4)
    throw node.unsupported(`${x.shape.length - 2} spatial axes are not supported, only 2`);
  const [batch, channels, height, width] = x.shape;
  const [, rows, columns] = grid.shape;
  const samples = rows * columns;
  const { mode, padding } = modesOf(node);
  const alignCorners = node.int("align_corners", 0) === 1;
  const [horizontal, vertical] = [width, height].map((length, axis) => {
    const coordinate = g.reshape(g.sliceAxis(grid, 3, axis, axis + 1), [batch, samples]);
    return neighboursOf(node, coordinate, { length, mode, padding, alignCorners });
  });
  const flat = g.reshape(x, [batch, channels, height * width]);
  const terms = vertical.flatMap(([row, rowWeight]) =>
    horizontal.map(([column, columnWeight]) => {
      const offsets = g.cast(g.add(g.mul(row, num(row, width)), column), "int64");
      const indices = g.expand(g.reshape(offsets, [batch, 1, samples]), [batch, channels, samples]);
      const product = g.expand(g.mul(rowWeight, columnWeight), [batch, samples]);
      const weight = g.cast(g.reshape(product, [batch, 1, samples]), x.dtype);
      return g.mul(g.gatherElements(flat, indices, 2), weight);
    }),
  );
  return g.reshape(terms.reduce(g.add), [batch, channels, rows, columns]);
}
