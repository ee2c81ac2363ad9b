import { fold, type Key } from "../math/random.ts";
import { type Objective, pointOf } from "./objectives.ts";
import type { Inequality } from "./property.ts";
import { LARGEST, pointIn, type Region, within } from "./region.ts";

/** One search from one start. Asks about a point, and moves when it is given the outputs and the gradient there. */
export interface Descent {
  /** The point to ask about, [inputs]; inside the region except during a `wide` opening. */
  readonly x: Float32Array;
  /** Whether `weights` depends on the outputs at x. */
  readonly needsOutputs: boolean;
  /** The weights [outputs] of the sum of outputs whose gradient at x is needed; outputs start at `offset`. */
  weights(outputs: ArrayLike<number>, offset: number): ArrayLike<number>;
  /** Moves x, given outputs that start at `offset` and the gradient [inputs] of their weighted sum. */
  step(outputs: ArrayLike<number>, offset: number, gradient: Float32Array): void;
}

/** A search in a region for outputs that satisfy all conditions. */
export interface DescentOptions {
  readonly region: Region;
  readonly conditions: readonly Inequality[];
  /** What is minimised; small if the conditions hold. */
  readonly objective: Objective;
  /** The first point, [inputs]. */
  readonly start: Float32Array;
  /** All steps, those of the opening included. */
  readonly steps: number;
  readonly opening?: Opening | undefined;
  /** The direction of steps. */
  readonly along: "signs" | "gradient";
  /** The key of the points where the search continues after a plateau. */
  readonly key: Key;
}

/**
 * Steps before the descent. `diverse`: two steps that increase a random combination of the outputs, so that starts have
 * diverse outputs (Tashiro et al. 2020, arXiv:2003.06878, §3). `wide`: descent in a box `times` as wide, which shrinks
 * to the region; saturated units may have a gradient only outside of the region.
 */
export type Opening =
  | { readonly kind: "diverse"; readonly weights: ArrayLike<number> }
  | { readonly kind: "wide"; readonly times: number };

const DIVERSE_STEPS = 2;
/** The shares of all steps at full width, and until the box has shrunk to the region. */
const [WIDE_SHARE, SHRUNK_SHARE] = [0.15, 0.5];
/** The step size of the wide descent, in units of half of each side of its box. */
const WIDE_STEP = 0.3;
/**
 * APGD's weight of the new step against momentum, and its ρ: the share of steps that must improve to keep the step size.
 */
const FRESH = 0.75;
const RHO = 0.75;

/**
 * APGD's checkpoints (Croce & Hein 2020, arXiv:2003.01690, §3.1) as in the authors' code: the steps at which the step
 * size may be halved. The intervals between them shrink from 22 % of all steps to 6 %.
 */
export function checkpointsOf(steps: number): number[] {
  const share = (percent: number) => Math.max(Math.floor((percent * steps) / 100), 1);
  const checkpoints: number[] = [];
  for (let at = share(22), interval = at; at <= steps; at += interval) {
    checkpoints.push(at);
    interval = Math.max(interval - share(3), share(6));
  }
  return checkpoints;
}

/**
 * Descent in a box whose sides differ, with APGD's momentum, step sizes and restarts at the best point (Croce & Hein
 * 2020, §3). Measures each coordinate in units of half of its side. Follows the signs of the gradient, or the gradient
 * itself, which follows a valley better if there are few inputs.
 */
export const descent = (options: DescentOptions): Descent => new BoxDescent(options);

/** The best point so far, with its gradient. */
interface BestPoint {
  readonly value: number;
  readonly x: Float32Array;
  readonly gradient: Float32Array;
}

class BoxDescent implements Descent {
  readonly #options: DescentOptions;
  readonly #openingSteps: number;
  readonly #checkpoints: ReadonlySet<number>;
  #x: Float32Array;
  #previous: Float32Array;
  /** Steps taken, those of the opening included. */
  #steps = 0;
  /** Steps taken after the opening. */
  #descentSteps = 0;
  /** Step size, in units of half of each side. */
  #size = 2;
  #lastValue = Number.POSITIVE_INFINITY;
  #best: BestPoint;
  /** The state at the last checkpoint, and the steps since that improved. */
  #checkpoint = { step: 0, improved: 0, value: Number.POSITIVE_INFINITY, isHalved: true };

  constructor(options: DescentOptions) {
    const { start, steps, opening } = options;
    this.#options = options;
    this.#openingSteps = openingSteps(opening, steps);
    this.#checkpoints = new Set(checkpointsOf(steps - this.#openingSteps));
    this.#x = start;
    this.#previous = start;
    this.#best = {
      value: Number.POSITIVE_INFINITY,
      x: start,
      gradient: new Float32Array(start.length),
    };
  }

  get x(): Float32Array {
    return this.#x;
  }

  get needsOutputs(): boolean {
    return this.#options.conditions.length > 1;
  }

  weights(outputs: ArrayLike<number>, offset: number): ArrayLike<number> {
    const { opening, conditions, objective } = this.#options;
    if (opening?.kind === "diverse" && this.#steps < this.#openingSteps)
      return Array.from(opening.weights, (weight) => -weight);
    if (conditions.length <= 1) return conditions[0]?.coefficients ?? [];
    return pointOf(conditions, objective, outputs, offset).weights;
  }

  step(outputs: ArrayLike<number>, offset: number, gradient: Float32Array): void {
    const step = this.#steps++;
    if (step < this.#openingSteps) {
      this.#jumpTo(this.#opened(step, gradient));
      return;
    }
    const { region, key, conditions, objective } = this.#options;
    // On a plateau all directions are equal, so the search continues at a random point.
    if (!gradient.some((slope) => slope > 0 || slope < 0)) {
      this.#jumpTo(pointIn(region, fold(key, step)));
      return;
    }
    const { value } = pointOf(conditions, objective, outputs, offset);
    if (value < this.#lastValue) this.#checkpoint.improved++;
    this.#lastValue = value;
    if (value < this.#best.value) this.#best = { value, x: this.#x, gradient: gradient.slice() };
    const isCheckpoint = this.#checkpoints.has(this.#descentSteps);
    const direction = isCheckpoint ? this.#checked(gradient) : gradient;
    const fresh = this.#descentSteps === 0 ? 1 : FRESH;
    const next = this.#moved(direction, { share: this.#size, fresh, times: 1 });
    this.#previous = this.#x;
    this.#x = next;
    this.#descentSteps++;
  }

  /** Moves without momentum. */
  #jumpTo(x: Float32Array): void {
    this.#x = x;
    this.#previous = x;
  }

  /** The point after a step of the opening. */
  #opened(step: number, gradient: Float32Array): Float32Array {
    const { opening, steps } = this.#options;
    if (opening?.kind !== "wide") return this.#moved(gradient, { share: 1, fresh: 1, times: 1 });
    const times = widthAt((step + 1) / steps, opening.times);
    return this.#moved(gradient, { share: WIDE_STEP * times, fresh: 1, times });
  }

  /**
   * x, moved against the gradient by `share` of half of each side, in a box `times` as wide as the region. `fresh` is
   * the weight of this step; momentum has the rest.
   */
  #moved(
    gradient: Float32Array,
    { share, fresh, times }: { share: number; fresh: number; times: number },
  ): Float32Array {
    const { region, along } = this.#options;
    const [x, previous] = [this.#x, this.#previous];
    const steepest = along === "signs" ? 0 : steepestOf(gradient, region);
    const next = new Float32Array(x.length);
    for (let i = 0; i < x.length; i++) {
      const [low, high] = [region.lower[i], region.upper[i]];
      const half = high / 2 - low / 2;
      const margin = (times - 1) * half;
      const [min, max] = [Math.max(low - margin, -LARGEST), Math.min(high + margin, LARGEST)];
      const direction =
        steepest > 0 ? -((gradient[i] * half) / steepest || 0) : -signOrZero(gradient[i]);
      const z = within(x[i] + direction * share * half, min, max);
      next[i] = within(x[i] + fresh * (z - x[i]) + (1 - fresh) * (x[i] - previous[i]), min, max);
    }
    return next;
  }

  /**
   * At a checkpoint: if too few steps improved, or nothing did since the last one, halves the step size and returns to
   * the best point. Returns the gradient at the point to continue from.
   */
  #checked(gradient: Float32Array): Float32Array {
    const { step, improved, value, isHalved: wasHalved } = this.#checkpoint;
    const tooFew = improved < RHO * (this.#descentSteps - step);
    const isHalved = tooFew || (!wasHalved && value === this.#best.value);
    this.#checkpoint = {
      step: this.#descentSteps,
      improved: 0,
      value: this.#best.value,
      isHalved,
    };
    if (!isHalved) return gradient;
    this.#size /= 2;
    this.#jumpTo(this.#best.x);
    return this.#best.gradient;
  }
}

/** The sign of a slope; 0 for NaN. */
function signOrZero(slope: number): number {
  if (slope > 0) return 1;
  return slope < 0 ? -1 : 0;
}

/** The largest first-order change of the sum that one coordinate makes over half of its side. */
function steepestOf(gradient: Float32Array, { lower, upper }: Region): number {
  let largest = 0;
  for (let i = 0; i < gradient.length; i++)
    largest = Math.max(largest, Math.abs(gradient[i]) * (upper[i] / 2 - lower[i] / 2));
  return largest;
}

function openingSteps(opening: Opening | undefined, steps: number): number {
  if (opening === undefined) return 0;
  return opening.kind === "diverse" ? DIVERSE_STEPS : Math.ceil(SHRUNK_SHARE * steps);
}

/** The width of the box in units of the region after a share of all steps: falls from `times` to 1. */
function widthAt(share: number, times: number): number {
  const shrunk = (share - WIDE_SHARE) / (SHRUNK_SHARE - WIDE_SHARE);
  return 1 + (times - 1) * (1 - within(shrunk, 0, 1));
}
