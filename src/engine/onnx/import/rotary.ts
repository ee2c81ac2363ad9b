// Rotary position embeddings (Su et al. 2021, arXiv:2104.09864):
// https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html (opset 23, one version), and ONNX Runtime's older operator, whose
// positions stand before the tables.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { arange } from "./arithmetic.ts";
import { joinHeads, splitHeads } from "./attention.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** Cosines and sines of each position. */
interface Tables {
  readonly cos: Value;
  readonly sin: Value;
  /** [batch, length], or undefined where the tables have one row per token already. */
  readonly positions: Value | undefined;
}

/** Rows of a table for each token: [batch or 1, 1, length, size/2]. */
function rowsOf(node: ImportNode, table: Value, positions: Value | undefined): Value {
  const rows = positions === undefined ? table : g.gather(table, g.cast(positions, "int64"), 0);
  if (rows.shape.length !== 3)
    throw node.error(
      `has a table [${table.shape.join(", ")}] ${positions === undefined ? "and no positions; [batch, length, size/2] is needed" : "and positions; [positions, size/2] is needed"}`,
    );
  return g.reshape(rows, [rows.shape[0], 1, rows.shape[1], rows.shape[2]]);
}

/** The pairs of x [batch, head, length, size] turned by the angle of their position. */
function rotated(node: ImportNode, x: Value, tables: Tables): Value {
  const [cos, sin] = [tables.cos, tables.sin].map((table) =>
    g.cast(rowsOf(node, table, tables.positions), x.dtype),
  );
  const size = x.shape[3];
  const turned = node.int("rotary_embedding_dim", 0) || size;
  const half = turned / 2;
  if (turned > size || cos.shape[3] !== half || sin.shape[3] !== half)
    throw node.error(
      `turns ${turned} of ${size} numbers per head by tables of ${cos.shape[3]} and ${sin.shape[3]}; half as many are needed`,
    );
  const interleaved = node.int("interleaved", 0) === 1;
  const [first, second] = interleaved
    ? [g.sliceAxis(x, 3, 0, turned, 2), g.sliceAxis(x, 3, 1, turned, 2)]
    : [g.sliceAxis(x, 3, 0, half), g.sliceAxis(x, 3, half, turned)];
  const real = g.sub(g.mul(cos, first), g.mul(sin, second));
  const imaginary = g.add(g.mul(sin, first), g.mul(cos, second));
  const pairs = interleaved ? beside(real, imaginary) : g.concat([real, imaginary], 3);
  return turned === size ? pairs : g.concat([pairs, g.sliceAxis(x, 3, turned, size)], 3);
}

/** The elements of a and b in turns along the last axis. */
function beside(a: Value, b: Value): Value {
  const [batch, heads, length, size] = a.shape;
  const apart = [batch, heads, length, size, 1];
  const both = g.concat([g.reshape(a, apart), g.reshape(b, apart)], 4);
  return g.reshape(both, [batch, heads, length, 2 * size]);
}

/** x is [batch, head, length, size], or [batch, length, head·size] with the number of heads stated. */
function onHeads(node: ImportNode, tables: Tables, count: number): Value {
  const x = node.input(0);
  if (x.shape.length === 4) return rotated(node, x, tables);
  if (x.shape.length !== 3)
    throw node.error(`turns a value of shape [${x.shape.join(", ")}]; 3 or 4 axes are needed`);
  return joinHeads(rotated(node, splitHeads(node, x, count), tables));
}

/** (x, cosines, sines, positions). */
function rotaryEmbedding(node: ImportNode): Value {
  const count = node.int("num_heads", 0);
  if (node.input(0).shape.length === 3 && count === 0)
    throw node.error("has no num_heads, which an input with 3 axes needs");
  const tables = { cos: node.input(1), sin: node.input(2), positions: node.inputs[3] };
  return onHeads(node, tables, count);
}

/**
 * (x, positions, cosines, sines); a single position is that of the first token. Its attribute `scale` is documented, but
 * ONNX Runtime does not apply it.
 */
export function microsoftRotaryEmbedding(node: ImportNode): Value {
  if (node.int("is_packed_batching", 0) === 1)
    throw node.error("packs sequences of several lengths, which no image classifier does");
  const x = node.input(0);
  const [cos, sin] = [node.input(2), node.input(3)];
  const [batch, length] = [x.shape[0], x.shape[x.shape.length - 2]];
  const stated = g.cast(node.input(1), "int64");
  const steps = arange(length, [1, length]);
  const positions =
    stated.shape.length === 2
      ? stated
      : g.expand(g.add(g.reshape(stated, [1, 1]), steps), [batch, length]);
  const size = 2 * cos.shape[1];
  // Without a stated number of heads, each has the width of the tables.
  const count = node.int("num_heads", 0) || x.shape[x.shape.length - 1] / size;
  return onHeads(node, { cos, sin, positions }, count);
}

export const rotary: Importers = { RotaryEmbedding: rotaryEmbedding };
