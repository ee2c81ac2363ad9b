// Attention as ONNX Runtime fuses it (domain com.microsoft, version 1):
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { arange } from "./arithmetic.ts";
import { attend, type Heads, joinHeads, splitHeads, windowBias } from "./attention.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** 0 for keys that count, and a number that leaves them next to nothing for the others. */
function softBias(node: ImportNode, counts: Value, like: Value): Value {
  const hidden = g.scalarLike(like, node.float("mask_filter_value", -10_000));
  return g.where(counts, g.scalarLike(like, 0), hidden);
}

/** A mask of keys as a bias: their number per example, their number and first, or a flag for each. */
function keyBias(node: ImportNode, mask: Value, { query, key }: Heads): Value {
  const [batch, keys] = [query.shape[0], key.shape[2]];
  const whole = g.cast(mask, "int64");
  const [length, ...more] = mask.shape;
  if (mask.shape.length === 1 && (length === batch || length === 2 * batch)) {
    const each = (start: number) =>
      g.reshape(g.sliceAxis(whole, 0, start, start + batch), [batch, 1, 1, 1]);
    const before = g.greater(each(0), arange(keys, [1, 1, 1, keys]));
    if (length === batch) return softBias(node, before, query);
    const after = g.not(g.greater(each(batch), arange(keys, [1, 1, 1, keys])));
    return softBias(node, g.and(before, after), query);
  }
  const flags = g.greater(whole, g.scalarLike(whole, 0));
  if (mask.shape.length === 2 && more[0] === keys)
    return softBias(node, g.reshape(flags, [length, 1, 1, keys]), query);
  if (mask.shape.length === 3 && more[1] === keys)
    return softBias(node, g.reshape(flags, [length, 1, more[0], keys]), query);
  throw node.error(
    `has a mask of shape [${mask.shape.join(", ")}] for ${batch} examples and ${keys} keys, which cannot be read`,
  );
}

/** Attention with the masks and the bias of a node, heads joined; also keys and values with their past. */
function attended(
  node: ImportNode,
  now: Heads,
  past: readonly [Value, Value] | null,
  mask: Value | undefined,
  added: Value | undefined,
): Value[] {
  const heads: Heads = {
    query: now.query,
    key: past === null ? now.key : g.concat([past[0], now.key], 2),
    value: past === null ? now.value : g.concat([past[1], now.value], 2),
  };
  const biases: Value[] = [];
  if (mask !== undefined) biases.push(keyBias(node, mask, heads));
  if (node.int("unidirectional", 0) === 1)
    biases.push(windowBias(node, heads, past?.[0].shape[2] ?? 0, { left: null, right: 0 }));
  if (added !== undefined) biases.push(added);
  const { output } = attend(node, heads, {
    scale: node.float("scale", 0) || 1 / Math.sqrt(heads.query.shape[3]),
    bias: biases.length === 0 ? undefined : biases.reduce(g.add),
  });
  return [joinHeads(output), heads.key, heads.value];
}

/** Queries, keys and values from x by one matrix [width, 3·width], or one with stated widths. */
export function projectedHeads(node: ImportNode, projected: Value): Heads {
  const total = projected.shape[2];
  const sizes = node.ints("qkv_hidden_sizes") ?? [total / 3, total / 3, total / 3];
  const count = node.int("num_heads", 1);
  let start = 0;
  const [query, key, value] = sizes.map((size) => {
    start += size;
    return splitHeads(node, g.sliceAxis(projected, 2, start - size, start), count);
  });
  return { query, key, value };
}

/** Attention of projections, whose past [2, batch, head, length, size] grows by what is new: (y, present). */
export function selfAttention(
  node: ImportNode,
  projected: Value,
  mask: Value | undefined,
  past: Value | undefined,
  added: Value | undefined,
): Value[] {
  if (node.int("do_rotary", 0) === 1 || node.int("past_present_share_buffer", 0) === 1)
    throw node.error("turns positions or shares the memory of its past, as only text models do");
  const part = (i: number) => {
    const one = g.sliceAxis(past as Value, 0, i, i + 1);
    return g.reshape(one, one.shape.slice(1));
  };
  const heads = projectedHeads(node, projected);
  const before = past === undefined ? null : ([part(0), part(1)] as const);
  const [y, key, value] = attended(node, heads, before, mask, added);
  if (node.outputs < 2) return [y];
  const apart = [key, value].map((x) => g.reshape(x, [1, ...x.shape]));
  return [y, g.concat(apart, 0)];
}

/** (x, weights, bias, mask, past, added). */
function attention(node: ImportNode): Value[] {
  const product = g.matmul(node.input(0), node.input(1));
  const bias = node.inputs[2];
  const projected = bias === undefined ? product : g.add(product, bias);
  return selfAttention(node, projected, node.inputs[3], node.inputs[4], node.inputs[5]);
}

/** Part i of projections [batch, length, head, parts, size] as [batch, head, length, size]. */
function unpacked(x: Value, i: number): Value {
  const part = g.sliceAxis(x, 3, i, i + 1);
  const [batch, length, heads, , size] = x.shape;
  return g.transpose(g.reshape(part, [batch, length, heads, size]), [0, 2, 1, 3]);
}

/** Projections that stand alone, with one bias for all three; or keys and values beside each other; or all three. */
function givenHeads(node: ImportNode): Heads {
  const [first, second, bias] = [node.input(0), node.inputs[1], node.inputs[3]];
  const count = node.int("num_heads", 1);
  if (first.shape.length === 5 && bias === undefined)
    return { query: unpacked(first, 0), key: unpacked(first, 1), value: unpacked(first, 2) };
  if (second?.shape.length === 5 && bias === undefined)
    return {
      query: splitHeads(node, first, count),
      key: unpacked(second, 0),
      value: unpacked(second, 1),
    };
  let start = 0;
  const [query, key, value] = [0, 1, 2].map((i) => {
    const x = node.input(i);
    // Keys and values with 4 axes have been projected, biased and split before.
    if (i > 0 && x.shape.length === 4) return x;
    if (x.shape.length !== 3)
      throw node.error(
        `input ${i} has shape [${x.shape.join(", ")}], packed in a way that cannot be read`,
      );
    const width = x.shape[2];
    start += width;
    const biased = bias === undefined ? x : g.add(x, g.sliceAxis(bias, 0, start - width, start));
    return splitHeads(node, biased, count);
  });
  return { query, key, value };
}

/** (q, k, v, bias, mask, added, past key, past value) → (y, key, value). */
function multiHeadAttention(node: ImportNode): Value[] {
  const [pastKey, pastValue] = [node.inputs[6], node.inputs[7]];
  if ((pastKey === undefined) !== (pastValue === undefined))
    throw node.error("has a past of keys or of values without the other; the file is incomplete");
  if (node.inputs[8] !== undefined || node.inputs[9] !== undefined)
    throw node.error("shares the memory of its past, as only text models do");
  const past =
    pastKey === undefined || pastValue === undefined ? null : ([pastKey, pastValue] as const);
  return attended(node, givenHeads(node), past, node.inputs[4], node.inputs[5]);
}

export const microsoftAttentions: Importers = {
  Attention: attention,
  MultiHeadAttention: multiHeadAttention,
};
