// Operators on sequences of different lengths in one array:
// https://onnx.ai/onnx/operators/onnx__TensorScatter.html (opset 24, one version)
// https://onnx.ai/onnx/operators/onnx__ReverseSequence.html (opset 10, one version)

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { arange, int64 } from "./arithmetic.ts";
import { axisOf, type Importers, type ImportNode, unknownValue } from "./import-node.ts";

/** The indices 0 … length − 1 along one of `rank` axes; the other axes have length 1. */
const indicesAlong = (axis: number, length: number, rank: number): Value =>
  arange(
    length,
    Array.from({ length: rank }, (_, i) => (i === axis ? length : 1)),
  );

/** Numbers [batch] as int64 along one of `rank` axes; the other axes have length 1. */
const perExample = (v: Value, axis: number, rank: number): Value =>
  g.reshape(
    g.cast(v, "int64"),
    Array.from({ length: rank }, (_, i) => (i === axis ? v.shape[0] : 1)),
  );

/**
 * (cache, update, starts?) ↦ the cache with the update of each example written at its start.
 * Positions wrap around in circular mode.
 */
function tensorScatter(node: ImportNode): Value {
  const [cache, update] = [node.input(0), node.input(1)];
  const rank = cache.shape.length;
  const axis = axisOf(node, node.int("axis", -2), rank);
  const [size, length] = [cache.shape[axis], update.shape[axis]];
  const fits = update.shape.every((n, i) => i === axis || n === cache.shape[i]);
  if (axis === 0 || update.shape.length !== rank || !fits || length > size)
    throw node.error(
      `cannot write an update of shape [${update.shape.join(", ")}] into a cache of shape [${cache.shape.join(", ")}] along axis ${axis}`,
    );
  const starts = node.inputs[2];
  const offsets =
    starts === undefined
      ? int64(
          [0],
          cache.shape.map(() => 1),
        )
      : perExample(starts, 0, rank);
  const unwrapped = g.add(indicesAlong(axis, length, rank), offsets);
  const mode = node.string("mode", "linear");
  if (mode !== "linear" && mode !== "circular")
    throw unknownValue(node, "mode", mode, ["linear", "circular"]);
  const period = g.scalarLike(unwrapped, size);
  const positions =
    mode === "linear" ? unwrapped : g.sub(unwrapped, g.mul(g.div(unwrapped, period), period));
  const outside = node.constantOf(positions)?.data.find((i) => !(i >= 0 && i < size));
  if (outside !== undefined)
    throw node.error(`position ${outside} is outside the cache, which has length ${size}`);
  const indices = g.expand(positions, update.shape);
  const ones = g.expand(g.scalarLike(cache, 1), update.shape);
  const isWritten = g.greater(
    g.scatterAdd(ones, indices, axis, cache.shape),
    g.scalarLike(cache, 0),
  );
  return g.where(isWritten, g.scatterAdd(update, indices, axis, cache.shape), cache);
}

/** (x, lengths) ↦ x with the first `length` elements of each example reversed. */
function reverseSequence(node: ImportNode): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  const batch = axisOf(node, node.int("batch_axis", 1), rank);
  const time = axisOf(node, node.int("time_axis", 0), rank);
  if (batch === time)
    throw node.invalid(`batch_axis and time_axis are both ${batch}, but must differ`);
  const lengths = perExample(node.input(1), batch, rank);
  const indices = indicesAlong(time, x.shape[time], rank);
  const reversed = g.sub(g.sub(lengths, g.scalarLike(lengths, 1)), indices);
  const isInside = g.greater(lengths, indices);
  // Adding 0·lengths broadcasts the indices to all examples.
  const unchanged = g.add(indices, g.mul(lengths, g.scalarLike(lengths, 0)));
  const source = g.where(isInside, reversed, unchanged);
  return g.gatherElements(x, g.expand(source, x.shape), time);
}

/** Importers of TensorScatter and ReverseSequence. */
export const caches: Importers = {
  TensorScatter: tensorScatter,
  ReverseSequence: reverseSequence,
};
