import { permutation } from "../math/distributions.ts";
import type { Key } from "../math/random.ts";

/** A random permutation of 0 … n − 1, drawn from `key`. */
export const shuffled = (n: number, key: Key): number[] => permutation(n, key);
