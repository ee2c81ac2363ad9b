import type { DType, Shape } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";
import { maker } from "../maker.ts";

/** Makes nodes that move elements of arrays of one dtype. Operations that would change nothing return their input. */
export class Shaping {
  readonly #b: Builder;
  readonly #dtype: DType;

  constructor(b: Builder, dtype: DType = "float32") {
    this.#b = b;
    this.#dtype = dtype;
  }

  /** The same elements in row-major order, as an array of `shape`. */
  reshape(x: Lowered, shape: Shape): Lowered {
    if (x.shape.join() === shape.join()) return x;
    return this.#b.make("Reshape", [x], { shape }, this.#dtype, shape);
  }

  /** Axis i of the result is axis perm[i] of x. */
  transpose(x: Lowered, perm: readonly number[]): Lowered {
    const shape = perm.map((axis) => x.shape[axis]);
    return this.#b.make("Transpose", [x], { perm }, this.#dtype, shape);
  }

  /** Elements `start`, `start + step`, … before `stop` of every axis; see `SliceAttributes`. */
  slice(
    x: Lowered,
    starts: readonly number[],
    stops: readonly number[],
    steps: readonly number[],
  ): Lowered {
    const shape = starts.map((start, axis) =>
      Math.max(0, Math.ceil((stops[axis] - start) / steps[axis])),
    );
    return this.#b.make("Slice", [x], { starts, stops, steps }, this.#dtype, shape);
  }

  /** Indices `start` to `stop` (exclusive) of one axis. */
  cut(x: Lowered, axis: number, start: number, stop: number): Lowered {
    if (start === 0 && stop === x.shape[axis]) return x;
    return this.slice(
      x,
      x.shape.map((_, i) => (i === axis ? start : 0)),
      x.shape.map((n, i) => (i === axis ? stop : n)),
      x.shape.map(() => 1),
    );
  }

  /** Zeros before and after every axis. */
  pad(x: Lowered, before: readonly number[], after: readonly number[]): Lowered {
    if ([...before, ...after].every((n) => n === 0)) return x;
    const shape = x.shape.map((n, i) => before[i] + n + after[i]);
    return this.#b.make("Pad", [x], { before, after }, this.#dtype, shape);
  }

  /** x with zeros after the last index of one axis, up to `length`. */
  extended(x: Lowered, axis: number, length: number): Lowered {
    return this.pad(
      x,
      x.shape.map(() => 0),
      x.shape.map((n, i) => (i === axis ? length - n : 0)),
    );
  }

  /** Arrays joined along one axis. */
  concat(parts: readonly Lowered[], axis: number): Lowered {
    const [first] = parts;
    if (parts.length === 1) return first;
    const length = parts.reduce((total, { shape }) => total + shape[axis], 0);
    return this.#b.make("Concat", parts, { axis }, this.#dtype, first.shape.with(axis, length));
  }

  /** A float32 constant with the given elements in row-major order. */
  numbers(shape: Shape, values: ArrayLike<number>): Lowered {
    return maker(this.#b).constant({ dtype: "float32", shape, data: Float32Array.from(values) });
  }

  /** A float32 array of equal elements: a constant if it is small, otherwise broadcast at run time. */
  filled(shape: Shape, value: number): Lowered {
    const scalar = this.numbers([], [value]);
    if (shape.length === 0) return scalar;
    return this.#b.make("Expand", [scalar], { shape }, "float32", shape);
  }

  /** The elements of one axis at the given indices, in that order. An index may repeat. */
  gathered(x: Lowered, axis: number, indices: readonly number[]): Lowered {
    const isIdentity = indices.length === x.shape[axis] && indices.every((at, i) => at === i);
    if (isIdentity) return x;
    const data = BigInt64Array.from(indices.map(BigInt));
    const constant = maker(this.#b).constant({ dtype: "int64", shape: [indices.length], data });
    const shape = x.shape.with(axis, indices.length);
    return this.#b.make("Gather", [x, constant], { axis }, this.#dtype, shape);
  }
}
