// Sums of float32 arrays, four elements at a time. Addresses are in bytes; `quads` is the number of elements over 4, at least 1.

import { lower, upper } from "./float-pairs";

/**
 * sums += row, in double precision.
 *
 * @param sums Doubles, [4 · quads].
 * @param row float32, [4 · quads].
 */
export function double(sums: usize, row: usize, quads: i32): void {
  do {
    const four = v128.load(row);
    v128.store(sums, f64x2.add(v128.load(sums), lower(four)));
    v128.store(sums, f64x2.add(v128.load(sums, 16), upper(four)), 16);
    sums += 32;
    row += 16;
  } while (--quads);
}

/**
 * x += y, rounded to float32.
 *
 * @param x float32, [4 · quads].
 * @param y float32, [4 · quads].
 */
export function single(x: usize, y: usize, quads: i32): void {
  do {
    v128.store(x, f32x4.add(v128.load(x), v128.load(y)));
    x += 16;
    y += 16;
  } while (--quads);
}
