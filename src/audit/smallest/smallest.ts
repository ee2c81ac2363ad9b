// The smallest radius at which each image breaks, and statistics over all images.
import type { Norm } from "../../attacks/victim.ts";
import type { Row } from "../../evaluate/row.ts";
import { isBroken } from "../../evaluate/survivors.ts";
import { isSearched, type RadiusRow } from "./radius-row.ts";

/** The smallest radii at which images break in one norm. They are upper bounds: a stronger attack may find smaller ones. */
export interface SmallestRadii {
  readonly norm: Norm;
  readonly images: number;
  /** Images that some attack broke, at any radius, including those that are wrong without an attack. */
  readonly broken: number;
  /** The radius at which half of the images are broken, for pixels in [0, 1]; null if fewer than half are. */
  readonly median: number | null;
  /** The radii at which 10 %, 20 %, … 90 % of the images are broken; null where fewer are. */
  readonly deciles: readonly (number | null)[];
}

/** The length of a row's perturbation in a norm; undefined in ℓ0 where no attack in ℓ0 made it. */
export function lengthIn({ linf, l2, l1, l0 }: Row, norm: string | null): number | undefined {
  const lengths: Readonly<Record<string, number | undefined>> = { linf, l2, l1, l0 };
  return lengths[String(norm)];
}

/** The length in a norm of what a search in any norm found; infinite if it found nothing, and in ℓ0. */
export function radiusIn({ radius, found, norm: own }: RadiusRow, norm: string | null): number {
  if (own === norm) return radius ?? Number.POSITIVE_INFINITY;
  if (found === undefined || radius === null) return Number.POSITIVE_INFINITY;
  const { linf, l2, l1 } = found;
  const lengths: Readonly<Record<string, number | undefined>> = { linf, l2, l1 };
  return lengths[String(norm)] ?? Number.POSITIVE_INFINITY;
}

/** The length of the perturbation that broke a row's image: 0 if the image is wrong when clean, infinite if it survived. */
export function breakingRadius(row: Row): number {
  const { norm, epsilon, clean, majority } = row;
  if (clean < 0.5) return 0;
  if (majority === 1) return Number.POSITIVE_INFINITY;
  // Float rounding may make a perturbation longer than the radius, but it stays in the ball.
  const bound = epsilon ?? Number.POSITIVE_INFINITY;
  return Math.min(lengthIn(row, norm) ?? Number.POSITIVE_INFINITY, bound);
}

/**
 * The smallest radii in each norm, over the images that were searched: all without --minutes. A norm without one is left out; null
 * if no norm has one.
 */
export function smallestOf(
  rows: readonly Row[],
  searched: readonly RadiusRow[],
  norms: readonly Norm[],
): SmallestRadii[] | null {
  const found = norms
    .map((norm) => ({ norm, byImage: smallestByImage(rows, searched, norm) }))
    .filter(({ norm }) => searched.some((row) => row.norm === norm && isSearched(row)))
    .map(({ norm, byImage }) => smallestRadii(norm, byImage));
  return found.length === 0 ? null : found;
}

/**
 * The smallest radius per image in a norm, by index, of those that the norm's attacks or searches tried; infinite where none
 * broke the image. What attacks and searches in other norms found counts with its length in this one, if the network is
 * deterministic.
 */
export function smallestByImage(
  rows: readonly Row[],
  searched: readonly RadiusRow[],
  norm: string,
): ReadonlyMap<number, number> {
  const smallest = new Map<number, number>();
  const add = (index: number, radius: number) =>
    smallest.set(index, Math.min(smallest.get(index) ?? Number.POSITIVE_INFINITY, radius));
  for (const row of rows) if (row.norm === norm) add(row.index, breakingRadius(row));
  const own = searched.filter((row) => row.norm === norm);
  for (const row of own) add(row.index, radiusIn(row, norm));
  // The time of a search may end before its last image. Attacks in a ball alone say less, so they are not mixed with searches.
  const done = new Set(own.filter(isSearched).map(({ index }) => index));
  if (done.size > 0)
    for (const index of smallest.keys()) if (!done.has(index)) smallest.delete(index);
  for (const row of rows)
    if (row.norm !== norm && smallest.has(row.index) && isBroken(row) && row.clean === 1)
      add(row.index, lengthIn(row, norm) ?? Number.POSITIVE_INFINITY);
  for (const row of searched)
    if (row.norm !== norm && smallest.has(row.index)) add(row.index, radiusIn(row, norm));
  return smallest;
}

/** Sums up the smallest radii of all images in one norm. */
export function smallestRadii(norm: Norm, byImage: ReadonlyMap<number, number>): SmallestRadii {
  const sorted = [...byImage.values()].sort((a, b) => a - b);
  /** The smallest radius at which this many tenths of the images are broken. */
  const at = (tenths: number): number | null => {
    const radius = sorted[Math.ceil((tenths * sorted.length) / 10) - 1];
    return Number.isFinite(radius) ? radius : null;
  };
  return {
    norm,
    images: sorted.length,
    broken: sorted.filter(Number.isFinite).length,
    median: at(5),
    deciles: Array.from({ length: 9 }, (_, i) => at(i + 1)),
  };
}
