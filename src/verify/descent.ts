import { fold, type Key } from "../math/random.ts";
import { type Objective, pointOf } from "./objectives.ts";
import type { Inequality } from "./property.ts";
import { LARGEST, pointIn, type Region, within } from "./region.ts";

/** One search from one start: it names a point, and is told the outputs and the gradient there. */
export interface Descent {
  /** The point to ask about, [inputs]; inside the region. */
  readonly x: Float32Array;
  /** Whether `weights` looks at the outputs at x. */
  readonly needsOutputs: boolean;
  /** The outputs whose weighted sum is to be differentiated at x, [outputs]. */
  weights(outputs: ArrayLike<number>, offset: number): ArrayLike<number>;
  /** Moves x on. */
  step(outputs: ArrayLike<number>, offset: number, gradient: Float32Array): void;
}

/** What a descent searches, and how. */
export interface DescentOptions {
  readonly region: Region;
  readonly conditions: readonly Inequality[];
  readonly objective: Objective;
  readonly start: Float32Array;
  /** All steps, those of an opening included. */
  readonly steps: number;
  readonly opening?: Opening | undefined;
  readonly along: "signs" | "gradient";
  readonly key: Key;
}

/**
 * What comes before the descent proper. `diverse`: two steps that make a random combination of the outputs large, so
 * that starts differ in outputs (Tashiro et al. 2020, arXiv:2003.06878, §3). `wide`: descent in a box that many times as
 * wide, which shrinks to the region; saturated units leave no gradient inside where they may well outside.
 */
export type Opening =
  | { readonly kind: "diverse"; readonly weights: ArrayLike<number> }
  | { readonly kind: "wide"; readonly times: number };

const DIVERSE_STEPS = 2;
/** Of all steps, those at full width and until the region is reached. */
const [WIDE_SHARE, SHRUNK_SHARE] = [0.15, 0.5];
/** A step of the wide descent, in units of half of each side. */
const WIDE_STEP = 0.3;
/** APGD's weight of the new step, and its ρ: the share of steps that must improve for the step size to stay. */
const FRESH = 0.75;
const RHO = 0.75;

/**
 * APGD's checkpoints (Croce & Hein 2020, arXiv:2003.01690, §3.1), counted as in the authors' code: the steps after which
 * the step size may be halved, in intervals that shrink from 22 % of all steps to 6 %.
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
 * 2020, §3), each coordinate in units of half of its side: along the signs of the gradient, or along the gradient, which
 * follows a valley better where inputs are few.
 */
export function descent(options: DescentOptions): Descent {
  const { region, conditions, objective, start, steps, opening, along, key } = options;
  const opened = openingSteps(opening, steps);
  const checkpoints = new Set(checkpointsOf(steps - opened));
  let [x, before] = [start, start];
  let [asked, done, size, last] = [0, 0, 2, Number.POSITIVE_INFINITY];
  let best = { value: Number.POSITIVE_INFINITY, x, gradient: new Float32Array(start.length) };
  let since = { step: 0, improved: 0, value: Number.POSITIVE_INFINITY, halved: true };

  /** x moved against the gradient by `share` of half of each side of a box `times` as wide, `fresh` of it without momentum. */
  function moved(gradient: Float32Array, share: number, fresh: number, times: number) {
    const steepest = along === "signs" ? 0 : steepestOf(gradient, region);
    const next = new Float32Array(x.length);
    for (let i = 0; i < x.length; i++) {
      const [low, high] = [region.lower[i], region.upper[i]];
      const half = high / 2 - low / 2;
      const more = (times - 1) * half;
      const [least, most] = [Math.max(low - more, -LARGEST), Math.min(high + more, LARGEST)];
      const sign = gradient[i] > 0 ? 1 : gradient[i] < 0 ? -1 : 0; // 0 for NaN
      const direction = -(steepest > 0 ? (gradient[i] * half) / steepest || 0 : sign);
      const z = within(x[i] + direction * share * half, least, most);
      next[i] = within(x[i] + fresh * (z - x[i]) + (1 - fresh) * (x[i] - before[i]), least, most);
    }
    return next;
  }

  /** Halves the step size and goes back to the best point if the steps since the last checkpoint were of little use. */
  function check(gradient: Float32Array): Float32Array {
    const few = since.improved < RHO * (done - since.step);
    const halved = few || (!since.halved && since.value === best.value);
    since = { step: done, improved: 0, value: best.value, halved };
    if (!halved) return gradient;
    size /= 2;
    [x, before] = [best.x, best.x];
    return best.gradient;
  }

  return {
    get x() {
      return x;
    },
    needsOutputs: conditions.length > 1,
    weights(outputs, offset) {
      if (opening?.kind === "diverse" && asked < opened)
        return Array.from(opening.weights, (weight) => -weight);
      if (conditions.length <= 1) return conditions[0]?.coefficients ?? [];
      return pointOf(conditions, objective, outputs, offset).weights;
    },
    step(outputs, offset, gradient) {
      const step = asked++;
      if (step < opened) {
        const times = opening?.kind === "wide" ? widthAt((step + 1) / steps, opening.times) : 1;
        const share = opening?.kind === "wide" ? WIDE_STEP * times : 1;
        x = moved(gradient, share, 1, times);
        before = x;
        return;
      }
      if (!gradient.some((slope) => slope > 0 || slope < 0)) {
        // On a plateau no direction is better than another: go on elsewhere.
        x = pointIn(region, fold(key, step));
        before = x;
        return;
      }
      const { value } = pointOf(conditions, objective, outputs, offset);
      if (value < last) since.improved++;
      last = value;
      if (value < best.value) best = { value, x, gradient: gradient.slice() };
      const used = checkpoints.has(done) ? check(gradient) : gradient;
      const next = moved(used, size, done === 0 ? 1 : FRESH, 1);
      [before, x] = [x, next];
      done++;
    },
  };
}

/** The largest change that one coordinate can make, to first order, over half of its side. */
function steepestOf(gradient: Float32Array, { lower, upper }: Region): number {
  let most = 0;
  for (let i = 0; i < gradient.length; i++)
    most = Math.max(most, Math.abs(gradient[i]) * (upper[i] / 2 - lower[i] / 2));
  return most;
}

function openingSteps(opening: Opening | undefined, steps: number): number {
  if (opening === undefined) return 0;
  return opening.kind === "diverse" ? DIVERSE_STEPS : Math.ceil(SHRUNK_SHARE * steps);
}

/** How many times as wide as the region a box is after a share of the steps: `times`, then less and less, then 1. */
function widthAt(share: number, times: number): number {
  const shrunk = (share - WIDE_SHARE) / (SHRUNK_SHARE - WIDE_SHARE);
  return 1 + (times - 1) * (1 - within(shrunk, 0, 1));
}
