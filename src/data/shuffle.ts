import { permutation } from "../math/distributions.ts";
import type { Key } from "../math/random.ts";

/** The indices 0 … n − 1 in an order drawn from `key`. */
export const shuffled = (n: number, key: Key): number[] => permutation(n, key);
