// Rotary position embeddings (Su et al. 2021, arXiv:2104.09864):
// https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html (opset 23, one version)
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.RotaryEmbedding
// (version 1)

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { arange, stack } from "./arithmetic.ts";
import { joinHeads, splitHeads } from "./attention.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** Cosines and sines by position, [position, size/2] each, or [batch, length, size/2] without `positions`. */
interface Tables {
  readonly cos: Value;
  readonly sin: Value;
  /** [batch, length]; undefined if the tables have one row per token. */
  readonly positions: Value | undefined;
}

/** The row of a table for each token: [batch, 1, length, size/2]. */
function rowsOf(node: ImportNode, table: Value, positions: Value | undefined): Value {
  const rows = positions === undefined ? table : g.gather(table, g.cast(positions, "int64"), 0);
  if (rows.shape.length !== 3) {
    const required =
      positions === undefined
        ? "[batch, length, size/2] is required without position_ids"
        : "[positions, size/2] is required with position_ids";
    throw node.error(`a table has shape [${table.shape.join(", ")}], but ${required}`);
  }
  return g.reshape(rows, [rows.shape[0], 1, rows.shape[1], rows.shape[2]]);
}

/** x [batch, head, length, size] with its pairs rotated by the angles of their positions. */
function rotated(node: ImportNode, x: Value, tables: Tables): Value {
  const [cos, sin] = [tables.cos, tables.sin].map((table) =>
    g.cast(rowsOf(node, table, tables.positions), x.dtype),
  );
  const size = x.shape[3];
  const dim = node.int("rotary_embedding_dim", 0) || size;
  const half = dim / 2;
  if (dim > size || cos.shape[3] !== half || sin.shape[3] !== half)
    throw node.error(
      `rotating ${dim} of ${size} numbers per head requires tables with ${half} columns, but they have ${cos.shape[3]} and ${sin.shape[3]}`,
    );
  const interleaved = node.int("interleaved", 0) === 1;
  const [first, second] = interleaved
    ? [g.sliceAxis(x, 3, 0, dim, 2), g.sliceAxis(x, 3, 1, dim, 2)]
    : [g.sliceAxis(x, 3, 0, half), g.sliceAxis(x, 3, half, dim)];
  const real = g.sub(g.mul(cos, first), g.mul(sin, second));
  const imaginary = g.add(g.mul(sin, first), g.mul(cos, second));
  const pairs = interleaved ? interleave(real, imaginary) : g.concat([real, imaginary], 3);
  return dim === size ? pairs : g.concat([pairs, g.sliceAxis(x, 3, dim, size)], 3);
}

/** The elements of a and b [batch, head, length, size] alternating along the last axis. */
function interleave(a: Value, b: Value): Value {
  const [batch, heads, length, size] = a.shape;
  return g.reshape(stack([a, b], 4), [batch, heads, length, 2 * size]);
}

/** Rotates x [batch, head, length, size], or [batch, length, head·size] with this number of heads. */
function rotatedInput(node: ImportNode, tables: Tables, count: number): Value {
  const x = node.input(0);
  if (x.shape.length === 4) return rotated(node, x, tables);
  if (x.shape.length !== 3)
    throw node.invalid(`input 0 has shape [${x.shape.join(", ")}], but must have 3 or 4 axes`);
  return joinHeads(rotated(node, splitHeads(node, x, count), tables));
}

/** (x, cosines, sines, positions?) ↦ x rotated. */
function rotaryEmbedding(node: ImportNode): Value {
  const count = node.int("num_heads", 0);
  if (node.input(0).shape.length === 3 && count === 0)
    throw node.invalid("attribute num_heads is missing, but an input with 3 axes needs it");
  const tables = { cos: node.input(1), sin: node.input(2), positions: node.inputs[3] };
  return rotatedInput(node, tables, count);
}

/**
 * (x, positions, cosines, sines) ↦ x rotated. A single position is the position of the first token.
 * ONNX Runtime documents an attribute `scale` but does not apply it. This importer ignores it as well.
 */
export function microsoftRotaryEmbedding(node: ImportNode): Value {
  if (node.int("is_packed_batching", 0) === 1)
    throw node.unsupported("packed batches (is_packed_batching) are not supported");
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
  return rotatedInput(node, { cos, sin, positions }, count);
}

/** Importers of RotaryEmbedding. */
export const rotary: Importers = { RotaryEmbedding: rotaryEmbedding };
