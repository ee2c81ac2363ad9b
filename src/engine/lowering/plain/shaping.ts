import type { DType, Shape } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";
import { maker } from "../maker.ts";

/** What moves elements about, for arrays of one dtype; an operator that would change nothing is left out. */
export function shaping(b: Builder, dtype: DType = "float32") {
  const reshape = (x: Lowered, shape: Shape): Lowered =>
    x.shape.join() === shape.join() ? x : b.make("Reshape", [x], { shape }, dtype, shape);

  const transpose = (x: Lowered, perm: readonly number[]): Lowered =>
    b.make(
      "Transpose",
      [x],
      { perm },
      dtype,
      perm.map((axis) => x.shape[axis]),
    );

  const slice = (
    x: Lowered,
    starts: readonly number[],
    stops: readonly number[],
    steps: readonly number[],
  ): Lowered =>
    b.make(
      "Slice",
      [x],
      { starts, stops, steps },
      dtype,
      starts.map((start, axis) => Math.max(0, Math.ceil((stops[axis] - start) / steps[axis]))),
    );

  /** Indices `start` to `stop` of one axis. */
  const cut = (x: Lowered, axis: number, start: number, stop: number): Lowered =>
    start === 0 && stop === x.shape[axis]
      ? x
      : slice(
          x,
          x.shape.map((_, i) => (i === axis ? start : 0)),
          x.shape.map((n, i) => (i === axis ? stop : n)),
          x.shape.map(() => 1),
        );

  const pad = (x: Lowered, before: readonly number[], after: readonly number[]): Lowered =>
    [...before, ...after].every((n) => n === 0)
      ? x
      : b.make(
          "Pad",
          [x],
          { before, after },
          dtype,
          x.shape.map((n, i) => before[i] + n + after[i]),
        );

  /** Zeros behind the last index of one axis, up to `length`. */
  const extended = (x: Lowered, axis: number, length: number): Lowered =>
    pad(
      x,
      x.shape.map(() => 0),
      x.shape.map((n, i) => (i === axis ? length - n : 0)),
    );

  const concat = (parts: readonly Lowered[], axis: number): Lowered =>
    parts.length === 1
      ? parts[0]
      : b.make(
          "Concat",
          parts,
          { axis },
          dtype,
          parts[0].shape.map((n, i) =>
            i === axis ? parts.reduce((total, { shape }) => total + shape[axis], 0) : n,
          ),
        );

  /** A float32 array that is known now. */
  const numbers = (shape: Shape, values: ArrayLike<number>): Lowered =>
    maker(b).constant({ dtype: "float32", shape, data: Float32Array.from(values) });

  /** The same number everywhere; written out while it is small. */
  const filled = (shape: Shape, value: number): Lowered => {
    const number = numbers([], [value]);
    return shape.length === 0 ? number : b.make("Expand", [number], { shape }, "float32", shape);
  };

  /** The elements of one axis that are at `places`, in that order; an element may be taken twice. */
  const gathered = (x: Lowered, axis: number, places: readonly number[]): Lowered => {
    if (places.length === x.shape[axis] && places.every((place, i) => place === i)) return x;
    const data = BigInt64Array.from(places.map(BigInt));
    const indices = maker(b).constant({ dtype: "int64", shape: [places.length], data });
    return b.make("Gather", [x, indices], { axis }, dtype, x.shape.with(axis, places.length));
  };

  return { reshape, transpose, slice, cut, pad, extended, concat, numbers, filled, gathered };
}

/** Makes `shaping`'s operators. */
export type Shaping = ReturnType<typeof shaping>;
