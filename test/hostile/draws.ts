import { type Key, threefry } from "../../src/math/random.ts";

/** A stream of choices from a key. */
export interface Draws {
  /** A whole number below n. */
  below(n: number): number;
  /** One of them. */
  of<T>(all: readonly T[]): T;
  chance(share: number): boolean;
}

export function drawsOf(key: Key): Draws {
  let count = 0;
  const word = () => threefry(key, 1, count++)[0];
  const below = (n: number) => word() % Math.max(n, 1);
  return {
    below,
    of: (all) => all[below(all.length)],
    chance: (share) => word() / 2 ** 32 < share,
  };
}

/** Whole numbers that break what trusts them. */
export const wholes: readonly bigint[] = [
  0n,
  -1n,
  1n,
  2n,
  3n,
  5n,
  7n,
  16n,
  64n,
  255n,
  1000n,
  4097n,
  65_536n,
  2n ** 20n,
  2n ** 24n,
  2n ** 27n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  -2n,
  -3n,
  -(2n ** 31n),
  -(2n ** 62n),
  -(2n ** 63n),
];

/** Real numbers that do. */
export const reals: readonly number[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  -1,
  1,
  0.5,
  1e-45,
  1e-38,
  3.4e38,
  -3.4e38,
  1e10,
  2 ** 31,
  1e9,
  65_536,
  1000,
];
