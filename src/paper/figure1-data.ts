/*
 * The two-dimensional problem of Figure 1: two rows of clusters, one class per row, shifted against each other by half a
 * period. From any cluster, the nearest clusters of the other class are at (±1.12, 2.16) times ε∞. Then
 *
 *   - squares of half-side ε∞ around the two rows do not meet (2.16 > 2). Only an almost straight line separates them,
 *     and the discs of equal area (radius 1.128 ε∞) reach beyond that line (1.128 > 2.16 / 2);
 *   - the discs do not meet either (√(1.12² + 2.16²) > 2 · 1.128). Only a wavy line separates them, and corners of the
 *     squares reach beyond that line.
 *
 * So the classes can be separated robustly in either norm, but a classifier that is robust in one norm is not robust in
 * the other.
 */
import type { Dataset, Split } from "../data/dataset.ts";
import { uniform } from "../math/distributions.ts";
import { fold, type Key, keyOf, keysFor, nameToNumber } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";

/** The radius of the ℓ∞ ball, for features in [0, 1]. */
export const EPSILON_LINF = 0.1;

/** The radius ε₂ of the disc with the area of a square of half-side ε∞: π ε₂² = (2 ε∞)². */
export const equalAreaRadius = (epsilonLinf: number): number =>
  (2 * epsilonLinf) / Math.sqrt(Math.PI);

/** The share of a square of half-side `half` inside the disc with the same centre, for half ≤ radius ≤ √2 · half. */
export function sharedArea(half: number, radius: number): number {
  // Each side of the square cuts one segment off the disc: r² arccos(h / r) − h √(r² − h²).
  const segment =
    radius ** 2 * Math.acos(half / radius) - half * Math.sqrt(radius ** 2 - half ** 2);
  return (Math.PI * radius ** 2 - 4 * segment) / (2 * half) ** 2;
}

/** Half a period of a row, and the distance between the rows, in units of ε∞. */
const HALF_PERIOD = 1.12;
const DISTANCE = 2.16;
/** Points are uniform in a square of this half-side around their cluster, in units of ε∞. */
const SPREAD = 0.03;

/** Positions of the clusters along the row of each class, in half-periods. */
const PLACES = [
  [-2, 0, 2],
  [-3, -1, 1, 3],
] as const;

/** The centre of the cluster at a position of a row. */
const centre = (label: number, place: number): readonly [number, number] => [
  0.5 + place * HALF_PERIOD * EPSILON_LINF,
  0.5 + (label - 0.5) * DISTANCE * EPSILON_LINF,
];

/** Every cluster: its centre and its class. */
export const clusters = PLACES.flatMap((places, label) =>
  places.map((place) => ({ point: centre(label, place), label })),
);

/** Examples go to the classes in turn, and within a class to its clusters in turn. */
const labelOf = (index: number): number => index % PLACES.length;

/** The centre of an example's cluster. */
function clusterOf(index: number): readonly [number, number] {
  const label = labelOf(index);
  const places = PLACES[label];
  return centre(label, places[Math.floor(index / PLACES.length) % places.length]);
}

const split = (key: Key, size: number): Split => ({
  size,
  labels: Array.from({ length: size }, (_, index) => labelOf(index)),
  images(indices) {
    const half = SPREAD * EPSILON_LINF;
    const offsets = uniform(keysFor(key, indices), [indices.length, 2, 1, 1], -half, half);
    const points = offsets.data.map((offset, i) => clusterOf(indices[i >> 1])[i % 2] + offset);
    return tensor(offsets.shape, points);
  },
});

/** Points of the unit square as images of shape [2, 1, 1]: two channels of one pixel. */
export function interlockedRows(
  seed: number,
  sizes: { readonly train: number; readonly test: number },
): Dataset {
  const key = fold(keyOf(seed), nameToNumber("interlocked-rows"));
  return {
    name: "interlocked-rows",
    shape: [2, 1, 1],
    classes: ["lower row", "upper row"],
    mean: [0.5, 0.5],
    std: [0.22, 0.11],
    train: split(fold(key, 0), sizes.train),
    test: split(fold(key, 1), sizes.test),
  };
}
