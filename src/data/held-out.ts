// A part for testing, of data sets that have no split of their own.
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import type { Dataset, Split } from "./dataset.ts";

/** Of this many examples of a class one is held out. */
const EVERY = 5;

/** The examples of a split at these places. */
function part({ labels, files, images }: Split, places: readonly number[]): Split {
  return {
    size: places.length,
    labels: Int32Array.from(places, (place) => labels[place]),
    files: files && places.map((place) => files[place]),
    images: (indices) => images(indices.map((index) => places[index])),
  };
}

/** Whether a data set trains and tests on the same examples. */
export const isSingle = ({ train, test }: Dataset): boolean => train === test;

/**
 * A data set without a split, with a fifth of each class held out for testing: those whose random number, drawn by their place in
 * the data set, is smallest. It is the same at every call, so a model trained on one part is tested on the other. A class
 * of one example trains only. Other data sets stay as they are.
 */
export function heldOut(dataset: Dataset): Dataset {
  if (!isSingle(dataset)) return dataset;
  const { train: all, classes, notes = [] } = dataset;
  const places = Array.from({ length: all.size }, (_, i) => i);
  const drawn = uniform(keysFor(keyOf(0), places), [all.size, 1], 0, 1).data;
  const held = new Set<number>();
  for (let label = 0; label < classes.length; label++) {
    const own = places.filter((i) => all.labels[i] === label).sort((a, b) => drawn[a] - drawn[b]);
    const count = own.length < 2 ? 0 : Math.max(1, Math.round(own.length / EVERY));
    for (const place of own.slice(0, count)) held.add(place);
  }
  if (held.size === 0) return dataset;
  const train = places.filter((i) => !held.has(i));
  const text = `${dataset.name} has no split of its own: ${train.length} of its ${all.size} examples are trained on, and ${held.size} (a fifth of each class, always the same) are held out and tested on`;
  return {
    ...dataset,
    train: part(all, train),
    test: part(
      all,
      places.filter((i) => held.has(i)),
    ),
    notes: [...notes, { code: "held-out", text }],
    heldOut: { examples: held.size, of: all.size },
  };
}
