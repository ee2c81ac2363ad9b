// Sampling at places that depend on the image (Jaderberg et al. 2015, arXiv:1506.02025): differentiable in both.

import { own } from "../../../math/own.ts";
import { sizeOf, tensor } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { int64 } from "./arithmetic.ts";
import { checkSize } from "./constants.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** Places that are listed while a file is read. */
const MAX_PLACES = 2 ** 20;

const num = (x: Value, value: number): Value => g.scalarLike(x, value);

/** Along one axis: where in pixels each sample lies, from −1 … 1. */
function pixels(at: Value, length: number, align: boolean): Value {
  const shifted = g.add(at, num(at, 1));
  if (align) return g.mul(shifted, num(at, (length - 1) / 2));
  return g.sub(g.mul(shifted, num(at, length / 2)), num(at, 0.5));
}

/** A place outside folded back at the borders, which stand at the middle of the outer pixels or at their edges. */
function reflected(at: Value, length: number, align: boolean): Value {
  const [low, span] = align ? [0, length - 1] : [-0.5, length];
  if (span === 0) return g.mul(at, num(at, 0));
  const from = g.abs(g.sub(at, num(at, low)));
  const times = g.floor(g.div(from, num(at, span)));
  const rest = g.sub(from, g.mul(times, num(at, span)));
  const odd = g.greater(
    g.sub(times, g.mul(g.floor(g.mul(times, num(at, 0.5))), num(at, 2))),
    num(at, 0.5),
  );
  return g.add(g.where(odd, g.sub(num(at, span), rest), rest), num(at, low));
}

/** A place by the mode of padding; `zeros` leaves it, since what lies outside counts nothing. */
function padded(at: Value, length: number, mode: string, align: boolean): Value {
  if (mode === "zeros") return at;
  const folded = mode === "reflection" ? reflected(at, length, align) : at;
  return g.clip(folded, 0, length - 1);
}

/** Neighbours of a sample along one axis: whole places and weights, each [batch, samples]. */
type Neighbours = readonly (readonly [place: Value, weight: Value])[];

/** Keys' kernel with a = −0.75 at a distance in [0, 1], in (1, 2]. */
const near = (t: Value): Value =>
  g.add(g.mul(g.mul(g.sub(g.mul(t, num(t, 1.25)), num(t, 2.25)), t), t), num(t, 1));
const far = (t: Value): Value =>
  g.sub(
    g.mul(g.add(g.mul(g.add(g.mul(t, num(t, -0.75)), num(t, 3.75)), t), num(t, -6)), t),
    num(t, -3),
  );

function neighbours(node: ImportNode, at: Value, mode: string): Neighbours {
  const plus = (v: Value, n: number) => g.add(v, num(v, n));
  if (mode === "nearest") {
    if (!node.isConstant(at))
      node.note({
        code: "nearest-sampling",
        text: `${node.type} takes the nearest pixels, so no gradient flows to where it looks`,
      });
    return [[g.round(at), num(at, 1)]];
  }
  const low = g.floor(at);
  const rest = g.sub(at, low);
  const other = g.sub(num(at, 1), rest);
  if (mode !== "cubic")
    return [
      [low, other],
      [plus(low, 1), rest],
    ];
  return [
    [plus(low, -1), far(plus(rest, 1))],
    [low, near(rest)],
    [plus(low, 1), near(other)],
    [plus(low, 2), far(plus(other, 1))],
  ];
}

const modes: Readonly<Record<string, string>> = { bilinear: "linear", bicubic: "cubic" };

/** x [batch, channel, height, width] and places [batch, rows, columns, (x, y)] → [batch, channel, rows, columns]. */
function gridSample(node: ImportNode): Value {
  const [x, grid] = [node.input(0), node.input(1)];
  if (x.shape.length !== 4)
    throw node.error(`samples over ${x.shape.length - 2} axes; 2 can be read`);
  const [batch, channels, height, width] = x.shape;
  const [, rows, columns] = grid.shape;
  const samples = rows * columns;
  const stated = node.text("mode", "linear");
  const mode = own(modes, stated) ?? stated;
  if (!["linear", "nearest", "cubic"].includes(mode))
    throw node.error(`samples in mode ${stated}, which is unknown`);
  const padding = node.text("padding_mode", "zeros");
  if (!["zeros", "border", "reflection"].includes(padding))
    throw node.error(`pads in mode ${padding}, which is unknown`);
  const align = node.int("align_corners", 0) === 1;
  const along = (axis: number, length: number): Neighbours => {
    const part = g.reshape(g.sliceAxis(grid, 3, axis, axis + 1), [batch, samples]);
    const at = pixels(part, length, align);
    // A cubic kernel reaches over the border, so that its neighbours are padded one by one.
    const inside = mode === "cubic" ? at : padded(at, length, padding, align);
    return neighbours(node, inside, mode).map(([place, weight]) => {
      const kept = padded(g.stopGradient(place), length, padding, align);
      const legal = g.clip(kept, 0, length - 1);
      const outside = g.greater(g.abs(g.sub(kept, legal)), num(kept, 0.5));
      return [legal, g.where(outside, num(kept, 0), weight)] as const;
    });
  };
  const [across, down] = [along(0, width), along(1, height)];
  const flat = g.reshape(x, [batch, channels, height * width]);
  const parts = down.flatMap(([row, byRow]) =>
    across.map(([column, byColumn]) => {
      const places = g.cast(g.add(g.mul(row, num(row, width)), column), "int64");
      const spread = g.expand(g.reshape(places, [batch, 1, samples]), [batch, channels, samples]);
      const weight = g.reshape(g.expand(g.mul(byRow, byColumn), [batch, samples]), [
        batch,
        1,
        samples,
      ]);
      return g.mul(g.gatherElements(flat, spread, 2), g.cast(weight, x.dtype));
    }),
  );
  return g.reshape(parts.reduce(g.add), [batch, channels, rows, columns]);
}

/** Where an affine map [batch, 2, 3] sends the pixels of an image of `size`: [batch, rows, columns, (x, y)]. */
function affineGrid(node: ImportNode): Value {
  const theta = node.input(0);
  const size = node.constantInts(1) ?? [];
  if (size.length !== 4) throw node.error(`maps ${size.length - 2} axes; 2 can be read`);
  const [, , rows, columns] = size;
  const align = node.int("align_corners", 0) === 1;
  checkSize(node, [rows, columns], MAX_PLACES);
  const place = (i: number, n: number) =>
    align ? (n === 1 ? 0 : (2 * i) / (n - 1) - 1) : (2 * i + 1) / n - 1;
  const points = Array.from({ length: rows * columns }, (_, i) => [
    place(i % columns, columns),
    place(Math.floor(i / columns), rows),
    1,
  ]);
  const grid = g.cast(g.constant(tensor([rows * columns, 3], points.flat())), theta.dtype);
  return g.reshape(g.matmul(grid, g.transpose(theta, [0, 2, 1])), [
    theta.shape[0],
    rows,
    columns,
    2,
  ]);
}

/** Columns of blocks [batch, channel·block, blocks] added where they overlap: the adjoint of cutting an image up. */
function col2Im(node: ImportNode): Value {
  const [x, shape, block] = [node.input(0), node.constantInts(1) ?? [], node.constantInts(2) ?? []];
  const rank = shape.length;
  const ones = shape.map(() => 1);
  const [strides, dilations] = ["strides", "dilations"].map((name) => node.ints(name) ?? ones);
  const pads = node.ints("pads") ?? [...ones, ...ones].map(() => 0);
  const counts = shape.map(
    (n, i) =>
      Math.floor((n + pads[i] + pads[i + rank] - dilations[i] * (block[i] - 1) - 1) / strides[i]) +
      1,
  );
  const [batch, columns, blocks] = x.shape;
  checkSize(node, [...block, blocks], MAX_PLACES);
  checkSize(node, shape, MAX_PLACES);
  const channels = columns / sizeOf(block);
  const cells = sizeOf(shape);
  const digits = (i: number, lengths: readonly number[]) => {
    let rest = i;
    return lengths.map((_, axis) => {
      const inner = sizeOf(lengths.slice(axis + 1));
      const digit = Math.floor(rest / inner);
      rest %= inner;
      return digit;
    });
  };
  const offsets = Array.from({ length: sizeOf(block) }, (_, i) => digits(i, block));
  const begins = Array.from({ length: blocks }, (_, i) => digits(i, counts));
  // What falls on a pad goes to a cell of its own, which is cut off.
  const places = offsets.flatMap((offset) =>
    begins.map((begin) => {
      const at = shape.map((_, i) => begin[i] * strides[i] + offset[i] * dilations[i] - pads[i]);
      if (at.some((v, i) => v < 0 || v >= shape[i])) return cells;
      return at.reduce((place, v, i) => place * shape[i] + v, 0);
    }),
  );
  const flat = g.reshape(x, [batch * channels, sizeOf(block) * blocks]);
  const indices = g.expand(int64(places, [1, places.length]), [batch * channels, places.length]);
  const added = g.scatterAdd(flat, indices, 1, [
    batch * channels,
    Math.max(cells + 1, places.length),
  ]);
  return g.reshape(g.sliceAxis(added, 1, 0, cells), [batch, channels, ...shape]);
}

export const grids: Importers = {
  GridSample: gridSample,
  AffineGrid: affineGrid,
  Col2Im: col2Im,
};
