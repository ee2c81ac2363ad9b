// The walks of branch and bound: a row per domain, for the output of the network.

import { elementCount } from "../../math/tensor.ts";
import type { Value } from "../graph/value.ts";
import { type Crown, isRelu, type SparseRow, soundBounds } from "./crown.ts";
import { type BoundProgram, names, type Variant } from "./program.ts";
import type { Fed, RegionState } from "./state.ts";

/** Rows of the programs. */
const ROWS = [16, 64];
const [SLOPE_RATE, MULTIPLIER_RATE, DECAY] = [0.2, 0.05, 0.95];
/** Adam (Kingma & Ba 2015, arXiv:1412.6980). */
const [FIRST, SECOND] = [0.9, 0.999];

/** An element of a ReLU. */
export interface Neuron {
  readonly relu: Value;
  readonly element: number;
}

/** A neuron and the sign of its input: 1 for ≥ 0, −1 for ≤ 0. */
export interface SignedNeuron extends Neuron {
  readonly sign: 1 | -1;
}

/** The sign of a neuron's input in a part of the region: 1 for ≥ 0, −1 for ≤ 0. */
export interface Split {
  /** The index of the neuron among those of the layers. */
  readonly neuron: number;
  readonly sign: 1 | -1;
}

/** A part of the region, and what is known about one goal on it. */
export interface Domain {
  readonly goal: number;
  readonly limit: number;
  readonly splits: readonly Split[];
  /** Lower slopes of the neurons, and multipliers of the splits. */
  slopes: Float32Array;
  multipliers: Float32Array;
  bound: number;
  /** Steps that were made since the last start, and starts after the first. */
  steps: number;
  restarts: number;
  /** Of the last step: the coefficients of the unstable neurons' outputs. */
  coefficients: Float32Array | null;
  /** Adam's moments: of the slopes, then of the multipliers. */
  moments: readonly [Float32Array, Float32Array] | null;
}

/**
 * The neurons of one ReLU that are unstable, or whose sign was given: their elements, and the index of the first among
 * those of all layers.
 */
export interface Layer {
  readonly relu: Value;
  readonly id: number;
  readonly size: number;
  readonly first: number;
  readonly elements: Int32Array;
}

/** Bounds domains of a region in batches. */
export class BranchProgram {
  readonly crown: Crown;
  readonly state: RegionState;
  readonly layers: readonly Layer[];
  /** The number of neurons of all layers. */
  readonly unstable: number;
  readonly #given: readonly Split[];
  readonly #starts: Float64Array;
  readonly #slack: Float64Array;
  readonly #fed = new Map<number, Fed>();

  constructor(
    crown: Crown,
    state: RegionState,
    goals: readonly SparseRow[],
    signs: readonly SignedNeuron[],
  ) {
    this.crown = crown;
    this.state = state;
    let first = 0;
    this.layers = crown
      .below(crown.plan.output)
      .filter(isRelu)
      .map((relu) => {
        const { lower, upper } = state.interval(relu.inputs[0]);
        const own = new Set(signs.filter((one) => one.relu === relu).map(({ element }) => element));
        const isListed = (i: number) => own.has(i) || (lower[i] < 0 && upper[i] > 0);
        const elements = Int32Array.from(Array.from(lower.keys()).filter(isListed));
        const layer = { relu, id: crown.plan.id(relu), size: lower.length, first, elements };
        first += elements.length;
        return layer;
      });
    this.unstable = first;
    this.#given = signs.map(({ relu, element, sign }) => {
      const layer = this.layers.find((one) => one.relu === relu) as Layer;
      return { neuron: layer.first + layer.elements.indexOf(element), sign };
    });
    const { start, slack } = crown.startOf(state, crown.plan.output, goals, goals.length);
    this.#starts = start;
    this.#slack = slack;
  }

  /** What an open domain takes, in numbers of 4 bytes. */
  get numbersPerDomain(): number {
    return 2 * this.unstable + 32;
  }

  /** The whole region for a goal. */
  root(goal: number, limit: number): Domain {
    const slopes = new Float32Array(this.unstable);
    for (const { relu, first, elements } of this.layers) {
      const [given] = this.state.relaxation(relu).lowerSlopes;
      for (const [i, element] of elements.entries()) slopes[first + i] = given[element];
    }
    return {
      goal,
      limit,
      splits: this.#given,
      slopes,
      multipliers: new Float32Array(this.#given.length),
      bound: Number.NEGATIVE_INFINITY,
      steps: 0,
      restarts: 0,
      coefficients: null,
      moments: null,
    };
  }

  /** The part of a domain with one more sign. A bound of the whole holds for a part. */
  half(parent: Domain, neuron: number, sign: 1 | -1): Domain {
    const multipliers = new Float32Array(parent.splits.length + 1);
    multipliers.set(parent.multipliers);
    return {
      goal: parent.goal,
      limit: parent.limit,
      splits: parent.splits.concat({ neuron, sign }),
      slopes: parent.slopes,
      multipliers,
      bound: parent.bound,
      steps: 0,
      restarts: 0,
      coefficients: null,
      moments: null,
    };
  }

  /** Raises the bounds of domains to what their slopes and multipliers give. */
  async bound(domains: readonly Domain[]): Promise<void> {
    await this.#run(domains, "trial");
  }

  /** As `bound`, and then a step on slopes and multipliers. */
  async improve(domains: readonly Domain[]): Promise<void> {
    const outputs = await this.#run(domains, "splits");
    for (const [r, domain] of domains.entries())
      if (!(domain.bound > domain.limit)) this.#step(domain, r, outputs);
  }

  async #run(domains: readonly Domain[], variant: Variant): Promise<Fed> {
    const rows = ROWS.find((size) => size >= domains.length) as number;
    const { output } = this.crown.plan;
    const program = await this.crown.program(output, rows, variant, this.state.region);
    const feeds = this.#feedsFor(program);
    const slack = new Float64Array(rows);
    const width = elementCount(output.shape);
    const start = new Float64Array(rows * width);
    for (const [r, domain] of domains.entries()) {
      const at = domain.goal * width;
      start.set(this.#starts.subarray(at, at + width), r * width);
      slack[r] = this.#slack[domain.goal];
      this.#write(feeds, domain, r);
    }
    feeds[names.start] = this.state.typed([rows, ...output.shape], start);
    const outputs = await program.compiled.run(feeds);
    for (const [r, domain] of domains.entries()) this.#clear(feeds, domain, r);
    const bounds = soundBounds(
      outputs.bound.data as Float64Array,
      outputs.error.data as Float64Array,
      slack,
    );
    for (const [r, domain] of domains.entries()) domain.bound = Math.max(domain.bound, bounds[r]);
    return outputs;
  }

  /** The arrays of a program. Those that are given per row are written before each run. */
  #feedsFor({ rows, inputs }: BoundProgram): Fed {
    const cached = this.#fed.get(rows);
    if (cached !== undefined) return cached;
    const feeds = this.state.feeds(inputs, this.crown.below(this.crown.plan.output));
    for (const { relu, id, size } of this.layers) {
      const shape = [rows, ...relu.shape];
      const repeated = new Float64Array(rows * size);
      for (let r = 0; r < rows; r++)
        repeated.set(this.state.relaxation(relu).lowerSlopes[0], r * size);
      feeds[names.lowerSlope(id, 0)] = this.state.typed(shape, repeated);
      feeds[names.open(id)] = this.state.typed(shape, new Float64Array(rows * size).fill(1));
      feeds[names.multiplier(id)] = this.state.typed(shape, new Float64Array(rows * size));
    }
    this.#fed.set(rows, feeds);
    return feeds;
  }

  /** The layer of an unstable neuron, and its place in the arrays of a row. */
  place(neuron: number, r: number): { readonly layer: Layer; readonly at: number } {
    const layer = this.layers.findLast(({ first }) => first <= neuron) as Layer;
    return { layer, at: r * layer.size + layer.elements[neuron - layer.first] };
  }

  /** An unstable neuron by its index. */
  neuron(index: number): { readonly relu: Value; readonly element: number } {
    const { layer } = this.place(index, 0);
    return { relu: layer.relu, element: layer.elements[index - layer.first] };
  }

  #write(feeds: Fed, { slopes, splits, multipliers }: Domain, r: number): void {
    for (const { id, first, elements, size } of this.layers) {
      const to = feeds[names.lowerSlope(id, 0)].data as Float32Array;
      for (let i = 0; i < elements.length; i++) to[r * size + elements[i]] = slopes[first + i];
    }
    for (const [k, { neuron, sign }] of splits.entries()) {
      const { layer, at } = this.place(neuron, r);
      (feeds[names.lowerSlope(layer.id, 0)].data as Float32Array)[at] = sign > 0 ? 1 : 0;
      (feeds[names.open(layer.id)].data as Float32Array)[at] = 0;
      (feeds[names.multiplier(layer.id)].data as Float32Array)[at] = multipliers[k];
    }
  }

  #clear(feeds: Fed, { splits }: Domain, r: number): void {
    for (const { neuron } of splits) {
      const { layer, at } = this.place(neuron, r);
      (feeds[names.open(layer.id)].data as Float32Array)[at] = 1;
      (feeds[names.multiplier(layer.id)].data as Float32Array)[at] = 0;
    }
  }

  /** One step of a domain's slopes and multipliers along the gradients of its row; keeps the row's coefficients. */
  #step(domain: Domain, r: number, outputs: Fed): void {
    const gradient = new Float32Array(this.unstable);
    const coefficients = new Float32Array(this.unstable);
    for (const { id, first, elements, size } of this.layers) {
      const from = outputs[names.gradient(names.lowerSlope(id, 0))].data as Float32Array;
      const values = outputs[names.coefficients(id)].data as Float32Array;
      for (let i = 0; i < elements.length; i++) {
        gradient[first + i] = from[r * size + elements[i]];
        coefficients[first + i] = values[r * size + elements[i]];
      }
    }
    domain.coefficients = coefficients;
    const { splits } = domain;
    const count = this.unstable + splits.length;
    domain.moments ??= [new Float32Array(count), new Float32Array(count)];
    const adam = new Adam(domain.moments, ++domain.steps);
    const slopes = domain.slopes.slice();
    for (let i = 0; i < slopes.length; i++)
      slopes[i] = unit(slopes[i] + SLOPE_RATE * adam.move(i, gradient[i]));
    domain.slopes = slopes;
    domain.multipliers = domain.multipliers.map((value, k) => {
      const { neuron, sign } = splits[k];
      const { layer, at } = this.place(neuron, r);
      const slope = (outputs[names.gradient(names.multiplier(layer.id))].data as Float32Array)[at];
      const next = value + MULTIPLIER_RATE * adam.move(this.unstable + k, slope);
      // For z ≥ 0 a bound of f(z) − βz with β ≥ 0 bounds f(z), and for z ≤ 0 one of f(z) + βz.
      return sign > 0 ? Math.min(0, next) : Math.max(0, next);
    });
  }
}

const unit = (value: number): number => Math.min(1, Math.max(0, value));

/** Adam's moves of a step, in units of the rate; decaying from step to step. */
class Adam {
  readonly #mean: Float32Array;
  readonly #square: Float32Array;
  readonly #rate: number;
  readonly #scale: number;

  constructor([mean, square]: readonly [Float32Array, Float32Array], step: number) {
    this.#mean = mean;
    this.#square = square;
    this.#rate = DECAY ** step / (1 - FIRST ** step);
    this.#scale = 1 / (1 - SECOND ** step);
  }

  /** The move of variable i along a gradient; 0 where the gradient is not finite. */
  move(i: number, slope: number): number {
    if (slope === 0 && this.#mean[i] === 0) return 0;
    if (!Number.isFinite(slope)) return 0;
    this.#mean[i] = FIRST * this.#mean[i] + (1 - FIRST) * slope;
    this.#square[i] = SECOND * this.#square[i] + (1 - SECOND) * slope * slope;
    const size = Math.sqrt(this.#square[i] * this.#scale) + 1e-12;
    return (this.#rate * this.#mean[i]) / size;
  }
}
