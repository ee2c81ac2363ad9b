// The steps of branch and bound on the slopes and multipliers of a domain.

import type { Domain, Layer } from "./domain.ts";
import { names } from "./program.ts";
import type { Fed } from "./state.ts";

/**
 * Rates of the steps on slopes: on the whole region, and on its parts. A part starts at the best slopes of the part that it is a
 * half of, and long steps would lose them.
 */
const [ROOT_RATE, PART_RATE] = [0.2, 0.05];
const DECAY = 0.95;
/** Adam (Kingma & Ba 2015, arXiv:1412.6980). */
const [FIRST, SECOND] = [0.9, 0.999];

/** The place of each neuron: the index of its layer, by the index of the neuron. */
export type LayerOf = Int32Array;

/**
 * Where the steps of a domain end: at the slopes and multipliers of its best bound, or at the last ones. The best of few long
 * steps is often the first. Then the halves of a domain would start where it started.
 */
export type End = "best" | "last";

/** The rate of the steps on multipliers. Long steps may overshoot, and then the last bound is not the best. */
const MULTIPLIER_RATE = { best: 0.1, last: 0.03 } as const;

/**
 * Keeps a domain's slopes and multipliers, and the coefficients of row `r` of a walk: if they gave the best bound so far, or in
 * any case if the last ones count.
 */
export function keep(
  domain: Domain,
  bound: number,
  r: number,
  outputs: Fed,
  layers: readonly Layer[],
  end: End,
): void {
  if (end === "best" && domain.kept !== null && !(bound > domain.kept.bound)) return;
  // A domain on a part starts with the array of its whole.
  if (domain.kept === null) domain.coefficients = new Float32Array(domain.slopes.length);
  domain.kept = {
    bound,
    slopes: domain.slopes.slice(),
    multipliers: domain.multipliers.slice(),
  };
  const coefficients = domain.coefficients as Float32Array;
  for (const { id, first, elements, size } of layers) {
    const values = outputs[names.coefficients(id)].data as Float32Array;
    for (let i = 0; i < elements.length; i++)
      coefficients[first + i] = values[r * size + elements[i]];
  }
}

/** Ends the steps of a domain at the slopes and multipliers that it kept. */
export function restore(domain: Domain): void {
  domain.steps++;
  if (domain.kept === null) return;
  domain.slopes = domain.kept.slopes;
  domain.multipliers = domain.kept.multipliers;
}

/** One step of a domain along the gradients of row `r` of a walk's outputs. */
export function stepAlong(
  domain: Domain,
  r: number,
  outputs: Fed,
  layers: readonly Layer[],
  layerOf: LayerOf,
  end: End,
): void {
  const count = layerOf.length;
  const { splits, lines } = domain;
  if (domain.moments === null) {
    // Halves share the slopes of their parent until here.
    domain.slopes = domain.slopes.slice();
    const moments = () => new Float32Array(count + splits.length);
    domain.moments = [moments(), moments()];
  }
  const { slopes } = domain;
  const rate = splits.length === 0 ? ROOT_RATE : PART_RATE;
  const { leastSlopes, mostSlopes } = lines;
  const adam = new Adam(domain.moments, ++domain.steps);
  for (const { id, first, elements, size } of layers) {
    const gradient = outputs[names.gradient(names.lowerSlope(id, 0))].data as Float32Array;
    for (let i = 0; i < elements.length; i++) {
      const at = r * size + elements[i];
      const k = first + i;
      const next = slopes[k] + rate * adam.move(k, gradient[at]);
      slopes[k] = Math.min(mostSlopes[k], Math.max(leastSlopes[k], next));
    }
  }
  domain.multipliers = domain.multipliers.map((value, j) => {
    const { neuron, sign } = splits[j];
    const { id, size, first, elements } = layers[layerOf[neuron]];
    const gradient = outputs[names.gradient(names.multiplier(id))].data as Float32Array;
    const move = adam.move(count + j, gradient[r * size + elements[neuron - first]]);
    const next = value + MULTIPLIER_RATE[end] * move;
    // For z ≥ 0 a bound of f(z) − βz with β ≥ 0 bounds f(z), and for z ≤ 0 one of f(z) + βz.
    return sign > 0 ? Math.min(0, next) : Math.max(0, next);
  });
}

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
