// Holds out a test split of data sets that have none.
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import type { Dataset, Split } from "./dataset.ts";

/** One example in this many of each class is held out. */
const EVERY = 5;

/** The examples of a split at these indices. */
export function subset({ labels, files, images }: Split, selected: readonly number[]): Split {
  return {
    size: selected.length,
    labels: Int32Array.from(selected, (index) => labels[index]),
    files: files && selected.map((index) => files[index]),
    images: (indices) => images(indices.map((i) => selected[i])),
  };
}

/** Whether a data set trains and tests on the same examples. */
export const isUnsplit = ({ train, test }: Dataset): boolean => train === test;

/**
 * Holds out a fifth of each class for testing if the data set is not split. Each example's random number depends
 * on its index alone, and the smallest of a class are held out, so a model trained on one part is always tested on the other.
 * A class of one example is only trained on. Other data sets are returned unchanged.
 */
export function withHeldOutTest(dataset: Dataset): Dataset {
  if (!isUnsplit(dataset)) return dataset;
  const { train: all, classes, notes = [] } = dataset;
  const indices = Array.from({ length: all.size }, (_, i) => i);
  const drawn = uniform(keysFor(keyOf(0), indices), [all.size, 1], 0, 1).data;
  const testIndices = new Set<number>();
  for (let label = 0; label < classes.length; label++) {
    const ofClass = indices
      .filter((i) => all.labels[i] === label)
      .sort((a, b) => drawn[a] - drawn[b]);
    const count = ofClass.length < 2 ? 0 : Math.max(1, Math.round(ofClass.length / EVERY));
    for (const index of ofClass.slice(0, count)) testIndices.add(index);
  }
  if (testIndices.size === 0) return dataset;
  const train = indices.filter((i) => !testIndices.has(i));
  const test = indices.filter((i) => testIndices.has(i));
  const text = `${dataset.name} is not split: ${train.length} of its ${all.size} examples are for training, and ${test.length} (a fifth of each class, always the same) are held out for testing`;
  return {
    ...dataset,
    train: subset(all, train),
    test: subset(all, test),
    notes: [...notes, { code: "held-out", text }],
    heldOut: { examples: test.length, of: all.size },
  };
}
