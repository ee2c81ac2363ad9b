// Sequences of several lengths in one array: https://onnx.ai/onnx/operators/onnx__TensorScatter.html (opset 24) and
// https://onnx.ai/onnx/operators/onnx__ReverseSequence.html (opset 10), one version each.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { arange, int64 } from "./arithmetic.ts";
import { axisOf, type Importers, type ImportNode } from "./import-node.ts";

/** 0, 1, … along one of `rank` axes. */
const placesAlong = (axis: number, length: number, rank: number): Value =>
  arange(
    length,
    Array.from({ length: rank }, (_, i) => (i === axis ? length : 1)),
  );

/** A number per example [batch] along one of `rank` axes. */
const perExample = (v: Value, axis: number, rank: number): Value =>
  g.reshape(
    g.cast(v, "int64"),
    Array.from({ length: rank }, (_, i) => (i === axis ? v.shape[0] : 1)),
  );

/** (cache, update, starts): the update written into the cache from where each example says, round its end if circular. */
function tensorScatter(node: ImportNode): Value {
  const [cache, update] = [node.input(0), node.input(1)];
  const rank = cache.shape.length;
  const axis = axisOf(node, node.int("axis", -2), rank);
  const [room, length] = [cache.shape[axis], update.shape[axis]];
  const same = update.shape.every((n, i) => i === axis || n === cache.shape[i]);
  if (axis === 0 || update.shape.length !== rank || !same || length > room)
    throw node.error(
      `writes [${update.shape.join(", ")}] into [${cache.shape.join(", ")}] along axis ${axis}`,
    );
  const starts = node.inputs[2];
  const from =
    starts === undefined
      ? int64(
          [0],
          cache.shape.map(() => 1),
        )
      : perExample(starts, 0, rank);
  const places = g.add(placesAlong(axis, length, rank), from);
  const mode = node.text("mode", "linear");
  if (mode !== "linear" && mode !== "circular")
    throw node.error(`writes in mode ${JSON.stringify(mode)}; linear and circular exist`);
  const size = g.scalarLike(places, room);
  const at = mode === "linear" ? places : g.sub(places, g.mul(g.div(places, size), size));
  const beyond = node.constantOf(at)?.data.find((i) => !(i >= 0 && i < room));
  if (beyond !== undefined) throw node.error(`writes to place ${beyond} of a cache of ${room}`);
  const indices = g.expand(at, update.shape);
  const ones = g.expand(g.scalarLike(cache, 1), update.shape);
  const touched = g.greater(g.scatterAdd(ones, indices, axis, cache.shape), g.scalarLike(cache, 0));
  return g.where(touched, g.scatterAdd(update, indices, axis, cache.shape), cache);
}

/** (x, lengths): the first elements of each example in reverse, as many as its length; the rest as they are. */
function reverseSequence(node: ImportNode): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  const batch = axisOf(node, node.int("batch_axis", 1), rank);
  const time = axisOf(node, node.int("time_axis", 0), rank);
  if (batch === time) throw node.error(`has its batch and its time on axis ${batch}`);
  const lengths = perExample(node.input(1), batch, rank);
  const places = placesAlong(time, x.shape[time], rank);
  const turned = g.sub(g.sub(lengths, g.scalarLike(lengths, 1)), places);
  const inside = g.greater(lengths, places);
  const from = g.where(inside, turned, g.add(places, g.mul(lengths, g.scalarLike(lengths, 0))));
  return g.gatherElements(x, g.expand(from, x.shape), time);
}

export const caches: Importers = {
  TensorScatter: tensorScatter,
  ReverseSequence: reverseSequence,
};
