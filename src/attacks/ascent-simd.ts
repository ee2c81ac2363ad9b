// A step of projected gradient ascent in WebAssembly, four pixels at a time. The loops of `balls.ts` take a tenth of the time
// of a small network's gradient. The source, assembly/ascent.ts, rounds at the same places, so the bits are the same.

import { instances } from "../math/wasm.ts";
import { wasm } from "./ascent.wasm.ts";

/** Arrays are addresses of 4 · quads float32 numbers. */
interface Kernels {
  /** The whole step in ℓ∞. Returns 0 if the gradient is finite. */
  linf(
    at: number,
    gradient: number,
    center: number,
    out: number,
    quads: number,
    length: number,
    epsilon: number,
  ): number;
  /** ‖x‖₂², in double precision. */
  squares(x: number, quads: number): number;
  /** out = at + length · (factor · gradient) − center. */
  move(
    at: number,
    gradient: number,
    center: number,
    out: number,
    quads: number,
    length: number,
    factor: number,
  ): void;
  /** out = factor · out + center, clamped to [0, 1]. */
  land(center: number, out: number, quads: number, factor: number): void;
}

const instanceOf = instances<Kernels>(wasm);

/**
 * A step of `length` from `at` along the steepest ascent, projected onto the ball of radius `epsilon` around `center` and
 * onto [0, 1]. All arrays are [pixels].
 */
export type AscendRow = (
  at: Float32Array,
  gradient: Float32Array,
  length: number,
  center: Float32Array,
  epsilon: number,
) => Ascended;

/** The result of a step of one row. */
export interface Ascended {
  /** [pixels]; the next step overwrites it. */
  readonly row: Float32Array;
  /** Whether the gradient has neither NaN nor infinity. */
  readonly hasFiniteSlopes: boolean;
}

/** The step for rows of `size` pixels; null without SIMD. */
function rowsOf(size: number): Readonly<Record<"linf" | "l2", AscendRow>> | null {
  const quads = Math.ceil(size / 4);
  const instance = instanceOf(4 * 16 * quads);
  if (instance === null) return null;
  const { buffer, run } = instance;
  const starts = [0, 1, 2, 3].map((place) => place * 16 * quads);
  const [a, g, c, o] = starts;
  // Padding after the last pixel stays 0.
  const [at, gradient, center, out] = starts.map((from) => new Float32Array(buffer, from, size));
  const bring = (from: Float32Array, slope: Float32Array, middle: Float32Array) => {
    at.set(from);
    gradient.set(slope);
    center.set(middle);
  };
  return {
    linf(from, slope, length, middle, epsilon) {
      bring(from, slope, middle);
      return { row: out, hasFiniteSlopes: run.linf(a, g, c, o, quads, length, epsilon) === 0 };
    },
    l2(from, slope, length, middle, epsilon) {
      bring(from, slope, middle);
      // In double precision, squares of float32 numbers do not overflow.
      const norm = Math.sqrt(run.squares(g, quads));
      run.move(a, g, c, o, quads, length, norm === 0 ? 0 : 1 / norm);
      const distance = Math.sqrt(run.squares(o, quads));
      run.land(c, o, quads, distance > epsilon ? epsilon / distance : 1);
      return { row: out, hasFiniteSlopes: Number.isFinite(norm) };
    },
  };
}

let made: { readonly size: number; readonly rows: ReturnType<typeof rowsOf> } | null = null;

/** The smallest number of pixels for which WebAssembly is faster, with the copies into its memory and back. */
const MIN_VECTORISED = 256;

/** The step in WebAssembly for rows of `size` pixels; null for short rows, and without SIMD. */
export function fastAscent(norm: "linf" | "l2", size: number): AscendRow | null {
  if (size < MIN_VECTORISED) return null;
  if (made?.size !== size) made = { size, rows: rowsOf(size) };
  return made.rows?.[norm] ?? null;
}
