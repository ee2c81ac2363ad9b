// Hints for calls in batches: each call names the next batch, so its noise is drawn while the network computes.
import type { Key } from "../math/random.ts";
import type { Shape } from "../math/tensor.ts";
import type { CallHints, NextCall } from "./victim.ts";

/** A batch of a call to a victim; `keys` is [batch]. */
export interface KeyedBatch {
  readonly keys: readonly Key[];
}

/** A batch, and the hints for its call. */
export interface HintedBatch<B> {
  readonly batch: B;
  readonly hints: CallHints;
}

/** The call for a batch, as a hint; `shape` is [any, ...pixels]. */
function callOf({ keys }: KeyedBatch, shape: Shape): NextCall {
  return { keys, shape: [keys.length, ...shape.slice(1)] };
}

/**
 * The batches in order, each with `hints` in which `next` is the batch after it. The last one keeps the `next` of `hints`.
 * `shape` is [any, ...pixels]. No batch keeps `reuse`, which holds for one call only.
 */
export function* withNext<B extends KeyedBatch>(
  batches: Iterable<B>,
  shape: Shape,
  hints: CallHints = {},
): Generator<HintedBatch<B>> {
  const common = { ...hints, reuse: undefined };
  let previous: B | null = null;
  for (const batch of batches) {
    if (previous !== null)
      yield { batch: previous, hints: { ...common, next: callOf(batch, shape) } };
    previous = batch;
  }
  if (previous !== null) yield { batch: previous, hints: common };
}

/**
 * Splits a call with keys [batch] into the batches that `split` returns, each with its hints (see `withNext`). The batch
 * after the last one is the first batch of the next call. `shape` is [any, ...pixels].
 */
export function splitCall<B extends KeyedBatch>(
  split: (keys: readonly Key[]) => Iterable<B>,
  keys: readonly Key[],
  shape: Shape,
  hints: CallHints = {},
): Generator<HintedBatch<B>> {
  return withNext(split(keys), shape, { ...hints, next: firstOf(split, hints.next) });
}

/** The first batch of a call with keys [batch] that will be split; undefined without a call. */
export function firstOf(
  split: (keys: readonly Key[]) => Iterable<KeyedBatch>,
  call: NextCall | undefined,
): NextCall | undefined {
  if (call === undefined) return undefined;
  for (const batch of split(call.keys)) return callOf(batch, call.shape);
  return undefined;
}
