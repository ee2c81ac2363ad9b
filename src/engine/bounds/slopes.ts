// α-CROWN (Xu et al. 2021, arXiv:2011.13824): ascends the bounds by the lower slopes of unstable ReLUs, per row.

import type { NdArray } from "../../math/tensor.ts";
import type { Value } from "../graph/value.ts";
import { type Crown, chunkFor, isRelu, type SparseRow, soundBounds } from "./crown.ts";
import type { Interval } from "./interval.ts";
import { KeptSlopes } from "./kept-slopes.ts";
import { names } from "./program.ts";
import type { Fed, RegionState } from "./state.ts";

/** Adam's rates (Kingma & Ba 2015, arXiv:1412.6980) for slopes in [0, 1]. */
const RATE = 0.25;
const DECAY = 0.98;
const [FIRST, SECOND] = [0.9, 0.999];

/** Lower slopes [rows, ...relu] of one ReLU that an ascent moves. Those of stable elements stay. */
class SlopeAscent {
  readonly values: Float32Array | Float64Array;
  readonly elements: Int32Array;
  readonly width: number;
  readonly #mean: Float32Array;
  readonly #square: Float32Array;

  constructor(values: Float32Array | Float64Array, { lower, upper }: Interval) {
    this.values = values;
    this.width = lower.length;
    const isUnstable = (i: number) => lower[i] < 0 && upper[i] > 0;
    this.elements = Int32Array.from(Array.from(lower.keys()).filter(isUnstable));
    const count = (values.length / this.width) * this.elements.length;
    this.#mean = new Float32Array(count);
    this.#square = new Float32Array(count);
  }

  /** One step along a gradient for the first rows; `step` counts from 1. */
  step(gradient: ArrayLike<number>, rows: number, step: number): void {
    const rate = (RATE * DECAY ** step) / (1 - FIRST ** step);
    const scale = 1 / (1 - SECOND ** step);
    const { values, elements, width } = this;
    const [mean, square] = [this.#mean, this.#square];
    let k = 0;
    for (let r = 0; r < rows; r++)
      for (let i = 0; i < elements.length; i++, k++) {
        const at = r * width + elements[i];
        const slope = gradient[at];
        if ((slope === 0 && mean[k] === 0) || !Number.isFinite(slope)) continue;
        mean[k] = FIRST * mean[k] + (1 - FIRST) * slope;
        square[k] = SECOND * square[k] + (1 - SECOND) * slope * slope;
        const next = values[at] + (rate * mean[k]) / (Math.sqrt(square[k] * scale) + 1e-12);
        values[at] = Math.min(1, Math.max(0, next));
      }
  }
}

/** How far to optimise. */
export interface SlopeOptions {
  readonly iterations: number;
  /** Ends early once every row is above 0. */
  readonly untilPositive: boolean;
  /** Ends early once none of the rows that are not above 0 can get there at the pace of the last iterations. */
  readonly untilHopeless?: boolean;
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
  { iterations, untilPositive, untilHopeless = false, stop }: SlopeOptions,
): Promise<Float64Array> {
  const program = await crown.program(from, size, "slopes", state.region);
  const { start, slack } = crown.startOf(state, from, rows, size);
  const feeds: Fed = state.feeds(program.inputs, crown.below(from));
  feeds[names.start] = state.typed([size, ...from.shape], start);
  const ascents = new Map<string, SlopeAscent>();
  for (const { relu, name, array } of slopesPerRow(crown, state, from, rows, size)) {
    feeds[name] = array;
    const data = array.data as Float32Array;
    ascents.set(name, new SlopeAscent(data, state.interval(relu.inputs[0])));
  }
  // Below the first ReLUs, and where all are stable, one walk says all.
  const canMove = Array.from(ascents.values()).some(({ elements }) => elements.length > 0);
  const kept = state.keptSlopes.get(from) ?? new KeptSlopes();
  state.keptSlopes.set(from, kept);
  const slopesOf = (r: number) => joined(Array.from(ascents.values(), (one) => rowOf(one, r)));
  const best = new Float64Array(rows.length).fill(Number.NEGATIVE_INFINITY);
  const pace = new Pace(best, iterations);
  for (let step = 1; ; step++) {
    const outputs = await program.compiled.run(feeds);
    const bounds = soundBounds(
      outputs.bound.data as Float64Array,
      outputs.error.data as Float64Array,
      slack,
    );
    for (let r = 0; r < rows.length; r++) {
      if (!(bounds[r] > best[r])) continue;
      best[r] = bounds[r];
      kept.keep(rows[r], () => slopesOf(r));
    }
    const isDone = !canMove || (untilPositive && best.every((bound) => bound > 0));
    if (isDone || step > iterations || stop()) return best;
    if (untilHopeless && pace.isHopeless(step)) return best;
    for (const [name, ascent] of ascents)
      ascent.step(outputs[names.gradient(name)].data as Float32Array, rows.length, step);
  }
}

/** Iterations between two looks at the pace of an ascent. */
const PACE = 4;

/** How fast the bounds of an ascent rise. */
class Pace {
  readonly #best: Float64Array;
  readonly #iterations: number;
  #earlier: Float64Array | null = null;

  /** `best` are the bounds, which the ascent raises. */
  constructor(best: Float64Array, iterations: number) {
    this.#best = best;
    this.#iterations = iterations;
  }

  /** Whether no bound that is not above 0 would get there if it went on to rise as it did; the pace never grows much. */
  isHopeless(step: number): boolean {
    if (step % PACE !== 0) return false;
    const [earlier, left] = [this.#earlier, (this.#iterations - step) / PACE];
    this.#earlier = this.#best.slice();
    if (earlier === null) return false;
    return this.#best.every((bound, r) => bound > 0 || bound + left * (bound - earlier[r]) <= 0);
  }
}

const rowOf = ({ values, width }: SlopeAscent, r: number) =>
  values.subarray(r * width, (r + 1) * width);

function joined(parts: readonly ArrayLike<number>[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Lower slopes of a ReLU for a walk, [size, ...relu]. */
interface SlopesPerRow {
  readonly relu: Value;
  readonly name: string;
  readonly array: NdArray;
}

/** The lower slopes of the ReLUs below a node, per row: those that an earlier ascent found best, or those of the state. */
function slopesPerRow(
  crown: Crown,
  state: RegionState,
  from: Value,
  rows: readonly SparseRow[],
  size: number,
): SlopesPerRow[] {
  const kept = state.keptSlopes.get(from);
  const found = rows.map((row) => kept?.of(row));
  let first = 0;
  return crown
    .below(from)
    .filter((one) => crown.plan.isRelaxed(one) && isRelu(one))
    .map((relu) => {
      const [given] = state.relaxation(relu).lowerSlopes;
      const { lower, upper } = state.interval(relu.inputs[0]);
      const width = given.length;
      const data = new Float64Array(size * width);
      for (let r = 0; r < size; r++) {
        data.set(given, r * width);
        const own = found[r];
        if (own === undefined) continue;
        for (let i = 0; i < width; i++)
          if (lower[i] < 0 && upper[i] > 0) data[r * width + i] = own[first + i];
      }
      first += width;
      const name = names.lowerSlope(crown.plan.id(relu), 0);
      return { relu, name, array: state.typed([size, ...relu.shape], data) };
    });
}

/**
 * Lower bounds of rows·(values of a node) by one walk, with the lower slopes that an earlier ascent found for the same rows;
 * those of the state, if there are none.
 */
export async function boundsWithKeptSlopes(
  crown: Crown,
  state: RegionState,
  from: Value,
  rows: readonly SparseRow[],
): Promise<Float64Array> {
  const kept = state.keptSlopes.get(from);
  if (kept === undefined || !rows.some((row) => kept.of(row) !== undefined))
    return crown.lowerBounds(state, from, rows);
  const bounds = new Float64Array(rows.length);
  for (let at = 0; at < rows.length; ) {
    const size = chunkFor(rows.length - at, crown.plan.order);
    const chunk = rows.slice(at, at + size);
    const program = await crown.program(from, size, "sloped", state.region);
    const { start, slack } = crown.startOf(state, from, chunk, size);
    const feeds: Fed = state.feeds(program.inputs, crown.below(from));
    feeds[names.start] = state.typed([size, ...from.shape], start);
    for (const { name, array } of slopesPerRow(crown, state, from, chunk, size))
      feeds[name] = array;
    const { bound, error } = await program.compiled.run(feeds);
    const sound = soundBounds(bound.data as Float64Array, error.data as Float64Array, slack);
    bounds.set(sound.subarray(0, chunk.length), at);
    at += chunk.length;
  }
  return bounds;
}
