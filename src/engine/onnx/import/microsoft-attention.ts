// Fused attention of ONNX Runtime (domain com.microsoft, version 1):
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Attention
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MultiHeadAttention

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { arange, stack } from "./arithmetic.ts";
import { attend, type Heads, joinHeads, splitHeads, windowBias } from "./attention.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** A bias of 0 where a key is used, and of `mask_filter_value` elsewhere. Masked keys keep a tiny weight. */
function softBias(node: ImportNode, isUsed: Value, like: Value): Value {
  const masked = g.scalarLike(like, node.float("mask_filter_value", -10_000));
  return g.where(isUsed, g.scalarLike(like, 0), masked);
}

/**
 * A mask as a bias. The mask holds the ends of the used keys [batch], their ends and starts [2·batch], or flags
 * [batch, key] or [batch, query, key].
 */
function keyBias(node: ImportNode, mask: Value, { query, key }: Heads): Value {
  const [batch, keys] = [query.shape[0], key.shape[2]];
  const whole = g.cast(mask, "int64");
  const [length, ...rest] = mask.shape;
  if (mask.shape.length === 1 && (length === batch || length === 2 * batch)) {
    const limit = (start: number) =>
      g.reshape(g.sliceAxis(whole, 0, start, start + batch), [batch, 1, 1, 1]);
    const beforeEnd = g.greater(limit(0), arange(keys, [1, 1, 1, keys]));
    if (length === batch) return softBias(node, beforeEnd, query);
    const fromStart = g.not(g.greater(limit(batch), arange(keys, [1, 1, 1, keys])));
    return softBias(node, g.and(beforeEnd, fromStart), query);
  }
  const flags = g.greater(whole, g.scalarLike(whole, 0));
  if (mask.shape.length === 2 && rest[0] === keys)
    return softBias(node, g.reshape(flags, [length, 1, 1, keys]), query);
  if (mask.shape.length === 3 && rest[1] === keys)
    return softBias(node, g.reshape(flags, [length, 1, rest[0], keys]), query);
  throw node.unsupported(
    `a mask of shape [${mask.shape.join(", ")}] for ${batch} examples and ${keys} keys is not supported`,
  );
}

/** Optional inputs of attention. */
interface AttentionInputs {
  /** Earlier keys and values, [batch, head, length, size] each. */
  readonly past: readonly [key: Value, value: Value] | null;
  readonly mask: Value | undefined;
  /** A bias of the scores, which broadcasts to [batch, head, query, key]. */
  readonly bias: Value | undefined;
}

/** (output with joined heads, keys, values), where keys and values include the past. */
function attentionOf(
  node: ImportNode,
  current: Heads,
  { past, mask, bias }: AttentionInputs,
): Value[] {
  const heads: Heads = {
    query: current.query,
    key: past === null ? current.key : g.concat([past[0], current.key], 2),
    value: past === null ? current.value : g.concat([past[1], current.value], 2),
  };
  const biases: Value[] = [];
  if (mask !== undefined) biases.push(keyBias(node, mask, heads));
  if (node.int("unidirectional", 0) === 1)
    biases.push(windowBias(node, heads, past?.[0].shape[2] ?? 0, { left: null, right: 0 }));
  if (bias !== undefined) biases.push(bias);
  const { output } = attend(node, heads, {
    scale: node.float("scale", 0) || 1 / Math.sqrt(heads.query.shape[3]),
    bias: biases.length === 0 ? undefined : biases.reduce(g.add),
  });
  return [joinHeads(output), heads.key, heads.value];
}

/**
 * Splits a joint projection [batch, length, q + k + v] into heads. The three widths are equal unless
 * the node states them.
 */
function projectedHeads(node: ImportNode, projected: Value): Heads {
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

/**
 * Self-attention of a joint projection: (y, present). Past and present are [2, batch, head, length,
 * size].
 */
function selfAttention(
  node: ImportNode,
  projected: Value,
  past: Value | undefined,
  inputs: Pick<AttentionInputs, "mask" | "bias">,
): Value[] {
  if (node.int("do_rotary", 0) === 1 || node.int("past_present_share_buffer", 0) === 1)
    throw node.unsupported(
      "neither rotary embeddings (do_rotary) nor a shared buffer for past and present (past_present_share_buffer) are supported",
    );
  const part = (x: Value, i: number) => g.reshape(g.sliceAxis(x, 0, i, i + 1), x.shape.slice(1));
  const [y, key, value] = attentionOf(node, projectedHeads(node, projected), {
    past: past === undefined ? null : [part(past, 0), part(past, 1)],
    mask: inputs.mask,
    bias: inputs.bias,
  });
  return node.outputs < 2 ? [y] : [y, stack([key, value], 0)];
}

/** (x, weights, bias?, mask?, past?, attention bias?) ↦ (y, present?). */
function attention(node: ImportNode): Value[] {
  const product = g.matmul(node.input(0), node.input(1));
  const bias = node.inputs[2];
  const projected = bias === undefined ? product : g.add(product, bias);
  const [mask, past, attentionBias] = [node.inputs[3], node.inputs[4], node.inputs[5]];
  return selfAttention(node, projected, past, { mask, bias: attentionBias });
}

/** Part i of packed projections [batch, length, head, parts, size], as [batch, head, length, size]. */
function unpacked(x: Value, i: number): Value {
  const part = g.sliceAxis(x, 3, i, i + 1);
  const [batch, length, heads, , size] = x.shape;
  return g.transpose(g.reshape(part, [batch, length, heads, size]), [0, 2, 1, 3]);
}

/**
 * Heads of the projected inputs. All three can be packed into the first input, or keys and values into
 * the second; three inputs can have a joint bias [q + k + v].
 */
function inputHeads(node: ImportNode): Heads {
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
    // Keys and values with 4 axes are already biased and split into heads.
    if (i > 0 && x.shape.length === 4) return x;
    if (x.shape.length !== 3)
      throw node.unsupported(
        `input ${i} has shape [${x.shape.join(", ")}], and this kind of packing is not supported`,
      );
    const width = x.shape[2];
    start += width;
    const biased = bias === undefined ? x : g.add(x, g.sliceAxis(bias, 0, start - width, start));
    return splitHeads(node, biased, count);
  });
  return { query, key, value };
}

/** (q, k?, v?, bias?, mask?, attention bias?, past key?, past value?) ↦ (y, key, value). */
function multiHeadAttention(node: ImportNode): Value[] {
  const [pastKey, pastValue] = [node.inputs[6], node.inputs[7]];
  if ((pastKey === undefined) !== (pastValue === undefined))
    throw node.invalid("one of past_key and past_value is missing; a node has both or none");
  if (node.inputs[8] !== undefined || node.inputs[9] !== undefined)
    throw node.unsupported(
      "a shared buffer for past and present (inputs 8 and 9) is not supported",
    );
  const past: AttentionInputs["past"] =
    pastKey === undefined || pastValue === undefined ? null : [pastKey, pastValue];
  const [mask, bias] = [node.inputs[4], node.inputs[5]];
  return attentionOf(node, inputHeads(node), { past, mask, bias });
}

/** Importers of the fused attention operators of the domain com.microsoft. */
export const microsoftAttentions: Importers = {
  Attention: attention,
  MultiHeadAttention: multiHeadAttention,
};
