// Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762) of the standard domain:
// https://onnx.ai/onnx/operators/onnx__Attention.html
//
// Opset 23: first version. Opset 24: `nonpad_kv_seqlen`, the used lengths of an external cache.
// Opset 25: sliding windows.

import { TensorProto_DataType as T } from "onnx-buf";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { arange, times } from "./arithmetic.ts";
import { checkSize } from "./constants.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** Queries, keys and values of each head, all [batch, head, length, size]. */
export interface Heads {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
}

/** How attention turns scores into weights. */
export interface Weighting {
  /** Factor of the scores q·kᵀ. */
  readonly scale: number;
  /** Limits scores to ±softcap by softcap·tanh(score/softcap); 0 disables the limit. */
  readonly softcap?: number;
  /** Added to the scores; broadcasts to [batch, head, query, key]. */
  readonly bias: Value | undefined;
  /** Whether the softmax is computed in double precision. */
  readonly double?: boolean;
}

/** The steps of attention. `output` is [batch, head, query, size], the others are [batch, head, query, key]. */
export interface Attended {
  readonly output: Value;
  readonly scores: Value;
  readonly capped: Value;
  readonly biased: Value;
  readonly weights: Value;
}

/** [batch, length, count·size] → [batch, count, length, size]. */
export function splitHeads(node: ImportNode, x: Value, count: number): Value {
  const [batch, length, width] = x.shape;
  if (!(count >= 1) || width % count !== 0)
    throw node.error(`cannot split a width of ${width} into ${count} equal heads`);
  return g.transpose(g.reshape(x, [batch, length, count, width / count]), [0, 2, 1, 3]);
}

/** [batch, head, length, size] → [batch, length, head·size]. */
export function joinHeads(x: Value): Value {
  const [batch, heads, length, size] = x.shape;
  return g.reshape(g.transpose(x, [0, 2, 1, 3]), [batch, length, heads * size]);
}

/** Repeats each head in place: [a, b] → [a, a, b, b]. */
function repeatHeads(x: Value, count: number): Value {
  if (count === 1) return x;
  const [batch, heads, length, size] = x.shape;
  const split = g.reshape(x, [batch, heads, 1, length, size]);
  const repeated = g.expand(split, [batch, heads, count, length, size]);
  return g.reshape(repeated, [batch, heads * count, length, size]);
}

/** A bias of 0 where a query may attend to a key, and −∞ elsewhere, in the dtype of `like`. */
export const biasOf = (allowed: Value, like: Value): Value =>
  g.where(allowed, g.scalarLike(like, 0), g.scalarLike(like, Number.NEGATIVE_INFINITY));

/** Rows of the bias that are −∞ for all keys, as bool [..., query, 1]; null if there are certainly none. */
function maskedRows(node: ImportNode, bias: Value): Value | null {
  const last = bias.shape.length - 1;
  if (last < 0) return null;
  const top = g.max(bias, [last], true);
  const masked = g.equal(top, g.scalarLike(bias, Number.NEGATIVE_INFINITY));
  return node.constantOf(masked)?.data.every((v) => v === 0) === true ? null : masked;
}

/**
 * softmax(cap(q·kᵀ·scale) + bias)·v. Several query heads may share one key head (grouped-query
 * attention, Ainslie et al. 2023, arXiv:2305.13245). The output of a query is 0 if it may not attend
 * to any key.
 */
export function attend(node: ImportNode, heads: Heads, weighting: Weighting): Attended {
  const { query, key, value } = heads;
  const queriesPerKey = query.shape[1] / key.shape[1];
  if (!Number.isInteger(queriesPerKey) || key.shape[1] !== value.shape[1])
    throw node.error(
      `${query.shape[1]} query heads do not fit ${key.shape[1]} key heads and ${value.shape[1]} value heads; there must be as many value heads as key heads, and a multiple of that number of query heads`,
    );
  const keys = repeatHeads(key, queriesPerKey);
  const scores = times(g.matmul(query, g.transpose(keys, [0, 1, 3, 2])), weighting.scale);
  const cap = weighting.softcap ?? 0;
  const capped = cap > 0 ? times(g.tanh(times(scores, 1 / cap)), cap) : scores;
  const { bias } = weighting;
  const biased = bias === undefined ? capped : g.add(capped, bias);
  // A softmax over no keys is 0/0, and so is its gradient. Masked rows get scores of 0 before the
  // softmax and weights of 0 after it.
  const masked = bias === undefined ? null : maskedRows(node, bias);
  const zero = g.scalarLike(biased, 0);
  const safe = masked === null ? biased : g.where(masked, zero, biased);
  const softmax =
    weighting.double === true
      ? g.cast(g.softmax(g.cast(safe, "float64")), safe.dtype)
      : g.softmax(safe);
  const weights = masked === null ? softmax : g.where(masked, zero, softmax);
  return {
    output: g.matmul(weights, repeatHeads(value, queriesPerKey)),
    scores,
    capped,
    biased,
    weights,
  };
}

/** Query i may attend to key j if −right ≤ i + offset − j ≤ left; null means unbounded. */
interface Window {
  readonly left: number | null;
  readonly right: number | null;
}

/** The bias of a window: [query, key], or [batch, 1, query, key] for an offset per example [batch, 1, 1, 1]. */
export function windowBias(
  node: ImportNode,
  heads: Heads,
  offset: number | Value,
  { left, right }: Window,
): Value {
  const [queries, keys] = [heads.query.shape[2], heads.key.shape[2]];
  checkSize(node, [queries, keys]);
  const rows = arange(queries, [queries, 1]);
  const shift = typeof offset === "number" ? g.scalarLike(rows, offset) : offset;
  const distance = g.sub(g.add(rows, shift), arange(keys, [1, keys]));
  const bounds: Value[] = [];
  if (right !== null) bounds.push(g.greater(distance, g.scalarLike(distance, -right - 1)));
  if (left !== null) bounds.push(g.greater(g.scalarLike(distance, left + 1), distance));
  return biasOf(bounds.reduce(g.and), heads.query);
}

/** A mask as a bias of the scores. Keys beyond the end of the mask are masked. */
function maskBias(node: ImportNode, mask: Value, { query, key }: Heads): Value {
  const bias = mask.dtype === "bool" ? biasOf(mask, query) : g.cast(mask, query.dtype);
  const last = bias.shape.length - 1;
  const missing = key.shape[2] - (bias.shape[last] ?? 1);
  if (missing < 0)
    throw node.error(
      `the mask of shape [${bias.shape.join(", ")}] covers more than the ${key.shape[2]} keys`,
    );
  if (missing === 0 || last < 0) return bias;
  const masked = g.scalarLike(bias, Number.NEGATIVE_INFINITY);
  return g.concat([bias, g.expand(masked, bias.shape.with(last, missing))], last);
}

/** The sum of all biases: mask, causality, window, and used lengths of caches. */
function biasesOf(node: ImportNode, heads: Heads, past: number): Value | undefined {
  const biases: Value[] = [];
  const [mask, lengths] = [node.inputs[3], node.inputs[6]];
  if (mask !== undefined) biases.push(maskBias(node, mask, heads));
  const [batch, queries, keys] = [heads.query.shape[0], heads.query.shape[2], heads.key.shape[2]];
  const counts =
    lengths === undefined ? undefined : g.reshape(g.cast(lengths, "int64"), [batch, 1, 1, 1]);
  const offset = counts === undefined ? past : g.sub(counts, g.scalarLike(counts, queries));
  const causal = node.int("is_causal", 0) === 1;
  const [before, after] = ["left_window_size", "right_window_size"].map((name) => {
    const size = node.int(name, -1);
    if (size < -1)
      throw node.invalid(
        `attribute ${name} is ${size}, but must be at least 0, or −1 for no bound`,
      );
    return size === -1 ? null : size;
  });
  const right = causal ? 0 : after;
  if (before !== null || right !== null)
    biases.push(windowBias(node, heads, offset, { left: before, right }));
  if (counts !== undefined) {
    const keyIndices = arange(keys, [1, 1, 1, keys]);
    biases.push(biasOf(g.greater(counts, keyIndices), heads.query));
  }
  return biases.length === 0 ? undefined : biases.reduce(g.add);
}

/**
 * Splits inputs [batch, length, head·size] into the stated numbers of heads. Inputs [batch, head,
 * length, size] are already split.
 */
function headsOf(node: ImportNode): Heads {
  const flat = node.input(0).shape.length === 3;
  const [query, key, value] = [0, 1, 2].map((i) => {
    const x = node.input(i);
    if (x.shape.length !== (flat ? 3 : 4))
      throw node.error(
        `input ${i} has shape [${x.shape.join(", ")}], but queries, keys and values must all have 3 axes, or all have 4`,
      );
    if (!flat) return x;
    const name = i === 0 ? "q_num_heads" : "kv_num_heads";
    if (!node.has(name))
      throw node.invalid(`attribute ${name} is missing, but inputs with 3 axes need it`);
    return splitHeads(node, x, node.int(name, 1));
  });
  return { query, key, value };
}

/** (Q, K, V, mask, past key, past value, lengths) ↦ (Y, key, value, scores). */
function attention(node: ImportNode): Value[] {
  const current = headsOf(node);
  const [pastKey, pastValue] = [node.inputs[4], node.inputs[5]];
  if ((pastKey === undefined) !== (pastValue === undefined))
    throw node.invalid("one of past_key and past_value is missing; a node has both or none");
  if (pastKey !== undefined && node.inputs[6] !== undefined)
    throw node.invalid("past_key and nonpad_kv_seqlen are both given, but exclude each other");
  const heads: Heads = {
    query: current.query,
    key: pastKey === undefined ? current.key : g.concat([pastKey, current.key], 2),
    value: pastValue === undefined ? current.value : g.concat([pastValue, current.value], 2),
  };
  const result = attend(node, heads, {
    scale: node.has("scale") ? node.float("scale", 1) : 1 / Math.sqrt(heads.query.shape[3]),
    softcap: node.float("softcap", 0),
    bias: biasesOf(node, heads, pastKey?.shape[2] ?? 0),
    double: node.int("softmax_precision", T.FLOAT) === T.DOUBLE,
  });
  const steps = [result.scores, result.capped, result.biased, result.weights];
  const requested = steps[node.int("qk_matmul_output_mode", 0)];
  if (requested === undefined && node.outputs > 3)
    throw node.invalid(
      `attribute qk_matmul_output_mode is ${node.int("qk_matmul_output_mode", 0)}, but must be 0, 1, 2 or 3`,
    );
  const flat = node.input(0).shape.length === 3;
  const output = flat ? joinHeads(result.output) : result.output;
  return [output, heads.key, heads.value, requested ?? result.scores];
}

/** Importers of Attention. */
export const attentions: Importers = { Attention: attention };
