import type { Key } from "../math/random.ts";
import type { Shape } from "../math/tensor.ts";
import type { Victim } from "./victim.ts";

/** The batches in turn, each once the victim has been told of the one after it; x of a batch has the rows of `shape`. */
export function* prefetched<B extends { readonly own: readonly Key[] }>(
  victim: Victim,
  batches: Iterable<B>,
  shape: Shape,
): Generator<B> {
  let before: B | null = null;
  for (const batch of batches) {
    if (before !== null) {
      prefetchBatch(victim, batch, shape);
      yield before;
    }
    before = batch;
  }
  if (before !== null) yield before;
}

/** Tells the victim of a batch, if there is one. */
export function prefetchBatch(
  victim: Victim,
  batch: { readonly own: readonly Key[] } | undefined,
  shape: Shape,
): void {
  if (batch !== undefined) victim.prefetch?.(batch.own, [batch.own.length, ...shape.slice(1)]);
}
