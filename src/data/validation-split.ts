import { uniform } from "../math/distributions.ts";
import { type Key, keysFor } from "../math/random.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Dataset, Split } from "./dataset.ts";
import { subset } from "./held-out.ts";

/** A data set without the examples held out for validation, and those. */
export interface ValidatedData {
  readonly dataset: Dataset;
  readonly validation: Split;
}

/**
 * Holds `count` training examples out for validation. Each example's random number depends on `key` and its index alone, and
 * the smallest are held out. Test images stay untouched. Throws `UsageError` if not half of the examples would be left.
 */
export function withValidation(dataset: Dataset, count: number, key: Key): ValidatedData {
  const { train } = dataset;
  if (2 * count > train.size)
    throw new UsageError(
      `--validation ${count} would hold out more than half of the ${train.size} training images of ${dataset.name}; hold out fewer`,
      { code: "bad-option" },
    );
  const indices = Array.from({ length: train.size }, (_, i) => i);
  const drawn = uniform(keysFor(key, indices), [train.size, 1], 0, 1).data;
  const chosen = new Set(indices.toSorted((a, b) => drawn[a] - drawn[b]).slice(0, count));
  const kept = indices.filter((i) => !chosen.has(i));
  const held = indices.filter((i) => chosen.has(i));
  return {
    dataset: Object.assign({}, dataset, { train: subset(train, kept) }),
    validation: subset(train, held),
  };
}
