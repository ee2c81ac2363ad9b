import type { Key } from "../math/random.ts";
import type { Shape } from "../math/tensor.ts";
import type { Victim } from "./victim.ts";

/** A batch of a call to come; `keys` is [batch]. */
export interface KeyedBatch {
  readonly keys: readonly Key[];
}

/** Yields the batches in order, and prefetches each one before it yields the one before it. `shape` is [any, ...pixels]. */
export function* prefetched<B extends KeyedBatch>(
  victim: Victim,
  batches: Iterable<B>,
  shape: Shape,
): Generator<B> {
  let previous: B | null = null;
  for (const batch of batches) {
    if (previous !== null) {
      prefetchBatch(victim, batch, shape);
      yield previous;
    }
    previous = batch;
  }
  if (previous !== null) yield previous;
}

/** Has the victim prefetch the batch, if there is one, as [batch, ...pixels]; `shape` is [any, ...pixels]. */
export function prefetchBatch(victim: Victim, batch: KeyedBatch | undefined, shape: Shape): void {
  if (batch !== undefined) victim.prefetch?.(batch.keys, [batch.keys.length, ...shape.slice(1)]);
}
