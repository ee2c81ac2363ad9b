// The walks of branch and bound: a row per domain, for the output of the network.

import { elementCount, type NdArray } from "../../math/tensor.ts";
import { type Crown, isRelu, type SparseRow, soundBounds } from "./crown.ts";
import {
  type Domain,
  freshDomain,
  type Layer,
  linesOfPart,
  type Neuron,
  type PartLines,
  type Tilt,
} from "./domain.ts";
import { type End, keep, type LayerOf, restore, stepAlong } from "./domain-step.ts";
import { type BoundProgram, names, type Variant } from "./program.ts";
import type { Fed, RegionState } from "./state.ts";

/** Rows of the programs; the largest only for networks whose widest value has at most so many elements. */
const ROWS = [16, 64, 128];
const MAX_WIDTH = 2048;

/** The arrays that a program is fed, and whose lines each of its rows holds. */
interface Feeds {
  readonly fed: Fed;
  readonly layers: readonly LayerFeeds[];
  readonly lines: (PartLines | null)[];
}

/** The arrays of one layer that are given per row. */
interface LayerFeeds {
  readonly lowerSlopes: Numbers;
  readonly upperSlopes: Numbers;
  readonly upperIntercepts: Numbers;
  readonly multipliers: Numbers;
}

type Numbers = Float32Array | Float64Array;

/** Bounds domains of a region in batches. */
export class BranchProgram {
  readonly crown: Crown;
  readonly state: RegionState;
  readonly layers: readonly Layer[];
  /** The number of neurons of all layers. */
  readonly unstable: number;
  /** The most domains of one batch. */
  readonly maxRows: number;
  readonly #lines: PartLines;
  readonly #layerOf: LayerOf;
  readonly #starts: Float64Array;
  readonly #slack: Float64Array;
  readonly #feeds = new Map<number, Feeds>();

  /** The whole region is what `state` is about. */
  constructor(crown: Crown, state: RegionState, goals: readonly SparseRow[]) {
    this.crown = crown;
    this.state = state;
    let first = 0;
    this.layers = crown
      .below(crown.plan.output)
      .filter(isRelu)
      .map((relu) => {
        const { lower, upper } = state.interval(relu.inputs[0]);
        const isUnstable = (i: number) => lower[i] < 0 && upper[i] > 0;
        const elements = Int32Array.from(Array.from(lower.keys()).filter(isUnstable));
        const layer = { relu, id: crown.plan.id(relu), size: lower.length, first, elements };
        first += elements.length;
        return layer;
      });
    this.unstable = first;
    this.#layerOf = new Int32Array(first);
    for (const [i, layer] of this.layers.entries())
      this.#layerOf.fill(i, layer.first, layer.first + layer.elements.length);
    const widest = Math.max(...crown.plan.order.map(({ shape }) => elementCount(shape)));
    this.maxRows = ROWS[widest <= MAX_WIDTH ? 2 : 1];
    this.#lines = linesOfPart(state, this.layers);
    const { start, slack } = crown.startOf(state, crown.plan.output, goals, goals.length);
    this.#starts = start;
    this.#slack = slack;
  }

  /** What open domains take, in numbers of 4 bytes. Domains share lines with the domains that they are halves of. */
  memoryOf(domains: readonly Domain[]): number {
    const lines = new Set(domains.map((domain) => domain.lines)).size;
    return domains.length * (2 * this.unstable + 32) + lines * 10 * this.unstable;
  }

  /** The whole region for a goal. */
  root(goal: number, limit: number): Domain {
    const slopes = new Float32Array(this.unstable);
    for (const { relu, first, elements } of this.layers) {
      const [given] = this.state.relaxation(relu).lowerSlopes;
      for (const [i, element] of elements.entries()) slopes[first + i] = given[element];
    }
    return freshDomain({
      goal,
      limit,
      splits: [],
      lines: this.#lines,
      slopes,
      multipliers: new Float32Array(0),
      bound: Number.NEGATIVE_INFINITY,
    });
  }

  /** Raises the bounds of domains to what their slopes and multipliers give. */
  async bound(domains: readonly Domain[]): Promise<void> {
    await this.#run(domains, "trial");
  }

  /** As `bound`, and then a step on slopes and multipliers. After `steps` of them, a domain returns to what it kept. */
  async improve(domains: readonly Domain[], steps: number, end: End): Promise<void> {
    const { outputs, bounds } = await this.#run(domains, "splits");
    for (const [r, domain] of domains.entries()) {
      if (domain.bound > domain.limit) continue;
      keep(domain, bounds[r], r, outputs, this.layers, end);
      if (domain.steps < steps) stepAlong(domain, r, outputs, this.layers, this.#layerOf, end);
      else restore(domain);
    }
  }

  /**
   * Bounds of domains with tilts. Unless it is the last time: also the gradients of the bounds by the factors, and `move`,
   * which makes a step on the slopes of a domain.
   */
  async boundTilted(domains: readonly Domain[], { isLast }: { readonly isLast: boolean }) {
    const { outputs, bounds } = await this.#run(domains, isLast ? "trial" : "splits");
    const gradients = isLast
      ? []
      : domains.map(({ tilt }, r) => this.#factorGradient(tilt, outputs, r));
    const move = (r: number) =>
      stepAlong(domains[r], r, outputs, this.layers, this.#layerOf, "best");
    return { bounds, gradients, move };
  }

  /** The gradient of the bound of row `r` by the factor of its tilt. */
  #factorGradient(tilt: Tilt | null, outputs: Fed, r: number): number {
    if (tilt === null) return 0;
    const { l, at } = this.#placeOf(tilt.neuron, r);
    const { data } = outputs[names.gradient(names.multiplier(this.layers[l].id))];
    return Number(data[at]);
  }

  async #run(domains: readonly Domain[], variant: Variant) {
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
    feeds.fed[names.start] = this.state.typed([rows, ...output.shape], start);
    const outputs = await program.compiled.run(feeds.fed);
    for (const [r, domain] of domains.entries()) this.#clear(feeds, domain, r);
    const bounds = soundBounds(
      outputs.bound.data as Float64Array,
      outputs.error.data as Float64Array,
      slack,
    );
    for (const [r, domain] of domains.entries()) domain.bound = Math.max(domain.bound, bounds[r]);
    return { outputs, bounds };
  }

  /** The arrays of a program. Those that are given per row are written before each run. */
  #feedsFor({ rows, inputs }: BoundProgram): Feeds {
    const cached = this.#feeds.get(rows);
    if (cached !== undefined) return cached;
    const fed = this.state.feeds(inputs, this.crown.below(this.crown.plan.output));
    const layers = this.layers.map(({ relu, id, size }): LayerFeeds => {
      const shape = [rows, ...relu.shape];
      const give = (name: string, row: ArrayLike<number>): Numbers => {
        const repeated = new Float64Array(rows * size);
        for (let r = 0; r < rows; r++) repeated.set(row, r * size);
        const array: NdArray = this.state.typed(shape, repeated);
        fed[name] = array;
        return array.data as Numbers;
      };
      const upper = this.state.upperLines(relu);
      return {
        lowerSlopes: give(names.lowerSlope(id, 0), this.state.relaxation(relu).lowerSlopes[0]),
        upperSlopes: give(names.upperSlope(id, 0), upper.slopes),
        upperIntercepts: give(names.upperIntercept(id), upper.intercepts),
        multipliers: give(names.multiplier(id), new Float64Array(size)),
      };
    });
    const lines = new Array<PartLines | null>(rows).fill(this.#lines);
    const made = { fed, layers, lines };
    this.#feeds.set(rows, made);
    return made;
  }

  /** An unstable neuron by its index. */
  neuron(index: number): Neuron {
    const { relu, first, elements } = this.layers[this.#layerOf[index]];
    return { relu, element: elements[index - first] };
  }

  #write(feeds: Feeds, { slopes, splits, multipliers, lines, tilt }: Domain, r: number): void {
    const isNew = feeds.lines[r] !== lines;
    feeds.lines[r] = lines;
    for (const [l, { first, elements, size }] of this.layers.entries()) {
      const { lowerSlopes, upperSlopes, upperIntercepts } = feeds.layers[l];
      for (let i = 0; i < elements.length; i++) {
        const [k, at] = [first + i, r * size + elements[i]];
        lowerSlopes[at] = Math.min(lines.mostSlopes[k], Math.max(lines.leastSlopes[k], slopes[k]));
        if (!isNew) continue;
        upperSlopes[at] = lines.upperSlopes[k];
        upperIntercepts[at] = lines.upperIntercepts[k];
      }
    }
    for (let j = 0; j < splits.length; j++) {
      const { neuron, sign } = splits[j];
      const { l, at } = this.#placeOf(neuron, r);
      const given = feeds.layers[l];
      given.lowerSlopes[at] = sign > 0 ? 1 : 0;
      given.upperSlopes[at] = sign > 0 ? 1 : 0;
      given.upperIntercepts[at] = 0;
      given.multipliers[at] = multipliers[j];
    }
    if (tilt !== null) this.#tilt(feeds, tilt.neuron, r, tilt.factor);
  }

  #tilt(feeds: Feeds, neuron: number, r: number, factor: number): void {
    const { l, at } = this.#placeOf(neuron, r);
    feeds.layers[l].multipliers[at] = factor;
  }

  /** The layer of a neuron, and its index in the arrays of that layer's `r`-th row. */
  #placeOf(neuron: number, r: number): { readonly l: number; readonly at: number } {
    const l = this.#layerOf[neuron];
    const { first, elements, size } = this.layers[l];
    return { l, at: r * size + elements[neuron - first] };
  }

  /** Gives split neurons back the lines of their row's part. */
  #clear(feeds: Feeds, { splits, lines, tilt }: Domain, r: number): void {
    if (tilt !== null) this.#tilt(feeds, tilt.neuron, r, 0);
    for (const { neuron } of splits) {
      const { l, at } = this.#placeOf(neuron, r);
      const given = feeds.layers[l];
      given.upperSlopes[at] = lines.upperSlopes[neuron];
      given.upperIntercepts[at] = lines.upperIntercepts[neuron];
      given.multipliers[at] = 0;
    }
  }
}
