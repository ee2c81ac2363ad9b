// What branch and bound knows about parts of a region.

import type { Value } from "../graph/value.ts";
import type { RegionState } from "./state.ts";

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

/**
 * The neurons of one ReLU that are unstable on the whole region: their elements, and the index of the first among those of
 * all layers.
 */
export interface Layer {
  readonly relu: Value;
  readonly id: number;
  readonly size: number;
  readonly first: number;
  readonly elements: Int32Array;
}

/**
 * The neurons of all layers on a part of the region: the intervals of their inputs, their upper lines as a walk is fed with
 * them, and the range of their lower slopes, which is one number for a neuron that is stable on the part.
 */
export interface PartLines {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly upperSlopes: Float64Array;
  readonly upperIntercepts: Float64Array;
  readonly leastSlopes: Float32Array;
  readonly mostSlopes: Float32Array;
}

/** What one walk gave: the bound by the slopes and multipliers at that moment. */
export interface Evaluated {
  readonly bound: number;
  readonly slopes: Float32Array;
  readonly multipliers: Float32Array;
}

/** A multiple of the input of a neuron. */
export interface Tilt {
  /** The index of the neuron among those of the layers. */
  readonly neuron: number;
  /** A number of float32. */
  readonly factor: number;
}

/** A part of the region, and what is known about one goal on it. */
export interface Domain {
  readonly goal: number;
  readonly limit: number;
  readonly splits: readonly Split[];
  readonly lines: PartLines;
  /** What is added to the goal; null if the bound is of the goal alone. */
  readonly tilt: Tilt | null;
  /** Lower slopes of the neurons, and multipliers of the splits. */
  slopes: Float32Array;
  multipliers: Float32Array;
  bound: number;
  /** Steps that were made since the last start, and starts after the first. */
  steps: number;
  restarts: number;
  /** Of the kept evaluation: the coefficients of the unstable neurons' outputs. */
  coefficients: Float32Array | null;
  /** The evaluation that the domain returns to after its steps; null before the first. */
  kept: Evaluated | null;
  /** Adam's moments: of the slopes, then of the multipliers. */
  moments: readonly [Float32Array, Float32Array] | null;
}

/** Whether a domain is not proven. */
export const isOpen = ({ bound, limit }: Domain): boolean => !(bound > limit);

/** A domain before any step. */
export const freshDomain = (
  parts: Pick<Domain, "goal" | "limit" | "splits" | "lines" | "slopes" | "multipliers" | "bound"> &
    Partial<Pick<Domain, "tilt">>,
): Domain => ({
  goal: parts.goal,
  limit: parts.limit,
  splits: parts.splits,
  lines: parts.lines,
  tilt: parts.tilt ?? null,
  slopes: parts.slopes,
  multipliers: parts.multipliers,
  bound: parts.bound,
  steps: 0,
  restarts: 0,
  coefficients: null,
  kept: null,
  moments: null,
});

/** The part of a domain with one more sign. A bound of the whole holds for a part. */
export function halfOf(parent: Domain, split: Split): Domain {
  const multipliers = new Float32Array(parent.splits.length + 1);
  multipliers.set(parent.multipliers);
  return freshDomain({
    goal: parent.goal,
    limit: parent.limit,
    splits: parent.splits.concat(split),
    lines: parent.lines,
    slopes: parent.slopes,
    multipliers,
    bound: parent.bound,
  });
}

/** A domain with tighter lines, before any step. It keeps its coefficients. */
export const onPart = (domain: Domain, lines: PartLines): Domain => ({
  ...freshDomain({ ...domain, lines }),
  coefficients: domain.coefficients,
});

/** The lines of the layers' neurons by the intervals of a state. */
export function linesOfPart(state: RegionState, layers: readonly Layer[]): PartLines {
  const count = layers.reduce((sum, { elements }) => sum + elements.length, 0);
  const doubles = () => new Float64Array(count);
  const [lower, upper, upperSlopes, upperIntercepts] = [doubles(), doubles(), doubles(), doubles()];
  const leastSlopes = new Float32Array(count);
  const mostSlopes = new Float32Array(count);
  for (const { relu, first, elements } of layers) {
    const interval = state.interval(relu.inputs[0]);
    const fed = state.upperLines(relu);
    for (let i = 0; i < elements.length; i++) {
      const [k, element] = [first + i, elements[i]];
      lower[k] = interval.lower[element];
      upper[k] = interval.upper[element];
      upperSlopes[k] = fed.slopes[element];
      upperIntercepts[k] = fed.intercepts[element];
      [leastSlopes[k], mostSlopes[k]] = slopesOn(lower[k], upper[k]);
    }
  }
  return { lower, upper, upperSlopes, upperIntercepts, leastSlopes, mostSlopes };
}

/** The least and the largest lower slope of a ReLU on an interval. */
export const slopesOn = (low: number, high: number): readonly [number, number] => [
  low >= 0 ? 1 : 0,
  low < 0 && high <= 0 ? 0 : 1,
];
