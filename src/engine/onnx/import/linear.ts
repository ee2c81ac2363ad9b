// Products: matrices and convolutions.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { times } from "./arithmetic.ts";
import { permuted } from "./constants.ts";
import { autoPadOf, convolution, geometryOf, perChannel } from "./geometry.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** A product in which a value with one axis is a row on the left and a column on the right. */
export function matmul(a: Value, b: Value): Value {
  const left = a.shape.length === 1 ? g.reshape(a, [1, a.shape[0]]) : a;
  const right = b.shape.length === 1 ? g.reshape(b, [b.shape[0], 1]) : b;
  const product = g.matmul(left, right);
  const kept = product.shape.filter((_, axis) => {
    const fromEnd = product.shape.length - axis;
    return !(fromEnd === 1 && b.shape.length === 1) && !(fromEnd === 2 && a.shape.length === 1);
  });
  return g.reshape(product, kept);
}

const transposed = (x: Value): Value => {
  const axes = x.shape.map((_, axis) => axis);
  return permuted(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
};

/** α·A·B + β·C, either factor transposed; before opset 7 C was broadcast where an attribute said so. */
export function gemm(node: ImportNode): Value {
  const a = node.int("transA", 0) === 0 ? node.input(0) : transposed(node.input(0));
  const b = node.int("transB", 0) === 0 ? node.input(1) : transposed(node.input(1));
  const product = times(g.matmul(a, b), node.float("alpha", 1));
  const c = node.inputs[2];
  return c === undefined ? product : g.add(product, times(c, node.float("beta", 1)));
}

/** Convolution with its bias; x and w may have been read from whole numbers. */
export function conv(node: ImportNode, x = node.input(0), w = node.input(1)): Value {
  const groups = node.int("group", 1);
  const geometry = geometryOf(node, x.shape.slice(2), w.shape.slice(2));
  const y = convolution(node, x, w, geometry, groups);
  const bias = node.inputs[2];
  return bias === undefined ? y : g.add(y, perChannel(g.cast(bias, y.dtype), y.shape.length));
}

/** The transposed convolution is the gradient of a convolution by its input. */
function convTranspose(node: ImportNode): Value {
  const [x, w] = [node.input(0), node.input(1)];
  const rank = x.shape.length - 2;
  if (rank === 1) return onOneRow(node, x, w);
  if (rank !== 2) throw node.error(`transposes over ${rank} axes; 1 and 2 can be read`);
  const y = transposedImage(node, x, w, {
    strides: node.ints("strides", [1, 1]),
    dilations: node.ints("dilations", [1, 1]),
    pads: node.ints("pads", [0, 0, 0, 0]),
    more: node.ints("output_padding", [0, 0]),
    wanted: node.ints("output_shape"),
  });
  const bias = node.inputs[2];
  return bias === undefined ? y : g.add(y, perChannel(bias, 4));
}

function onOneRow(node: ImportNode, x: Value, w: Value): Value {
  const image = (v: Value) => g.reshape(v, [v.shape[0], v.shape[1], 1, v.shape[2]]);
  const row = (name: string, first: number, fallback: number) => [
    first,
    ...(node.ints(name) ?? [fallback]),
  ];
  const pads = node.ints("pads", [0, 0]) ?? [0, 0];
  const wanted = node.ints("output_shape");
  const y = transposedImage(node, image(x), image(w), {
    strides: row("strides", 1, 1),
    dilations: row("dilations", 1, 1),
    pads: [0, pads[0], 0, pads[1]],
    more: row("output_padding", 0, 0),
    wanted: wanted === undefined ? undefined : [1, ...wanted.slice(-1)],
  });
  const line = g.reshape(y, [y.shape[0], y.shape[1], y.shape[3]]);
  const bias = node.inputs[2];
  return bias === undefined ? line : g.add(line, perChannel(bias, 3));
}

interface Transposed {
  readonly strides: readonly number[] | undefined;
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  /** Rows and columns added at the end. */
  readonly more: readonly number[] | undefined;
  /** [height, width] of the result, where the file states it. */
  readonly wanted: readonly number[] | undefined;
}

function transposedImage(
  node: ImportNode,
  x: Value,
  w: Value,
  {
    strides = [1, 1],
    dilations = [1, 1],
    pads: stated = [0, 0, 0, 0],
    more = [0, 0],
    wanted,
  }: Transposed,
): Value {
  const groups = node.int("group", 1);
  const auto = autoPadOf(node);
  const same = auto.startsWith("SAME");
  const sizes: number[] = [];
  const pads = [...stated];
  for (const i of [0, 1]) {
    const full =
      strides[i] * (x.shape[i + 2] - 1) + more[i] + (w.shape[i + 2] - 1) * dilations[i] + 1;
    const size = wanted?.at(i - 2) ?? (same ? x.shape[i + 2] * strides[i] : undefined);
    if (size === undefined) {
      sizes.push(full - pads[i] - pads[i + 2]);
      continue;
    }
    const total = Math.max(full - size, 0);
    const less = Math.floor(total / 2);
    [pads[i], pads[i + 2]] = auto === "SAME_UPPER" ? [less, total - less] : [total - less, less];
    sizes.push(size);
  }
  const shape = [x.shape[0], w.shape[1] * groups, ...sizes];
  return g.convInputGradient(x, w, shape, { strides, dilations, pads, groups });
}

export const linear: Importers = {
  MatMul: (node) => matmul(node.input(0), node.input(1)),
  Gemm: gemm,
  Conv: (node) => conv(node),
  ConvTranspose: convTranspose,
};
