// α-CROWN (Xu et al. 2021, arXiv:2011.13824): ascends the bounds by the lower slopes of unstable ReLUs, per row.

import { elementCount, type NdArray } from "../../math/tensor.ts";
import type { Value } from "../graph/value.ts";
import { type Crown, chunkFor, isRelu, type SparseRow, soundBounds } from "./crown.ts";
import { names, type Variant } from "./program.ts";
import type { Fed, RegionState } from "./state.ts";

/** Adam's rates (Kingma & Ba 2015, arXiv:1412.6980) for slopes in [0, 1]. */
const RATE = 0.25;
const DECAY = 0.98;
const [FIRST, SECOND] = [0.9, 0.999];

/** Variables of an ascent that are projected after every step. */
export class Ascent {
  readonly values: Float32Array | Float64Array;
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  readonly #project: (value: number, i: number) => number;

  constructor(values: Float32Array | Float64Array, project: (value: number, i: number) => number) {
    this.values = values;
    this.#mean = new Float64Array(values.length);
    this.#square = new Float64Array(values.length);
    this.#project = project;
  }

  /** One step along a gradient; `step` counts from 1. */
  step(gradient: ArrayLike<number>, step: number, rate: number): void {
    const [a, b] = [1 - FIRST ** step, 1 - SECOND ** step];
    for (let i = 0; i < this.values.length; i++) {
      const slope = gradient[i];
      if (!Number.isFinite(slope)) continue;
      this.#mean[i] = FIRST * this.#mean[i] + (1 - FIRST) * slope;
      this.#square[i] = SECOND * this.#square[i] + (1 - SECOND) * slope * slope;
      const move = (rate * (this.#mean[i] / a)) / (Math.sqrt(this.#square[i] / b) + 1e-12);
      this.values[i] = this.#project(this.values[i] + move, i);
    }
  }
}

const unit = (value: number): number => Math.min(1, Math.max(0, value));

/** A row's slopes as an array with an own axis 0, that may be changed in place. */
const repeated = (array: NdArray, rows: number): NdArray => {
  const size = elementCount(array.shape);
  const data =
    array.dtype === "float32" ? new Float32Array(rows * size) : new Float64Array(rows * size);
  for (let r = 0; r < rows; r++) data.set(array.data as Float32Array, r * size);
  return { dtype: array.dtype, shape: [rows, ...array.shape.slice(1)], data } as NdArray;
};

/** How far to optimise. */
export interface SlopeOptions {
  readonly iterations: number;
  /** Ends early once every row is above 0. */
  readonly untilPositive: boolean;
  /** Checked before every iteration. Rows that no iteration was made for have the bound −∞. */
  readonly stop: () => boolean;
}

/**
 * Lower bounds of rows·(values of a node), each the best of an ascent over the lower slopes. Every iterate is sound, since
 * any slope in [0, 1] is.
 */
export async function optimizedBounds(
  crown: Crown,
  state: RegionState,
  from: Value,
  rows: readonly SparseRow[],
  options: SlopeOptions,
): Promise<Float64Array> {
  const best = new Float64Array(rows.length).fill(Number.NEGATIVE_INFINITY);
  for (let at = 0; at < rows.length && !options.stop(); ) {
    // Slopes per row take as much memory as coefficients, several times over.
    const size = Math.min(128, chunkFor(rows.length - at, crown.plan.order));
    const chunk = rows.slice(at, at + size);
    best.set(await optimizedChunk(crown, state, from, chunk, size, options), at);
    at += chunk.length;
  }
  return best;
}

async function optimizedChunk(
  crown: Crown,
  state: RegionState,
  from: Value,
  rows: readonly SparseRow[],
  size: number,
  { iterations, untilPositive, stop }: SlopeOptions,
): Promise<Float64Array> {
  const variant: Variant = "slopes";
  const program = await crown.program(from, size, variant, state.region);
  const { start, slack } = crown.startOf(state, from, rows, size);
  const below = crown.below(from);
  const feeds: Fed = state.feeds(program.inputs, below);
  feeds[names.start] = state.typed([size, ...from.shape], start);
  const ascents = new Map<string, Ascent>();
  for (const node of below.filter((one) => crown.plan.isRelaxed(one) && isRelu(one))) {
    const name = names.lowerSlope(crown.plan.id(node), 0);
    feeds[name] = repeated(feeds[name], size);
    const { lower, upper } = state.interval(node.inputs[0]);
    const width = elementCount(node.shape);
    // A stable ReLU has one slope only.
    const project = (value: number, i: number): number => {
      const element = i % width;
      if (lower[element] >= 0) return 1;
      return upper[element] <= 0 ? 0 : unit(value);
    };
    ascents.set(name, new Ascent(feeds[name].data as Float32Array, project));
  }
  const best = new Float64Array(rows.length).fill(Number.NEGATIVE_INFINITY);
  for (let step = 1; ; step++) {
    const outputs = await program.compiled.run(feeds);
    const bounds = soundBounds(
      outputs.bound.data as Float64Array,
      outputs.error.data as Float64Array,
      slack,
    );
    for (let r = 0; r < rows.length; r++) best[r] = Math.max(best[r], bounds[r]);
    const isDone = untilPositive && best.every((bound) => bound > 0);
    if (isDone || step > iterations || stop()) return best;
    for (const [name, ascent] of ascents) {
      const gradient = outputs[names.gradient(name)];
      ascent.step(gradient.data as Float32Array, step, RATE * DECAY ** step);
    }
  }
}
