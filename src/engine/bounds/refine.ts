// Branch and bound that bounds the hidden layers again after each split. A split of an early neuron tightens all layers
// behind it, which decides deep networks; `branchAndBound` keeps the bounds of the whole region and is far cheaper per part.

import { branchAndBound, type Goal } from "./branch.ts";
import type { Neuron, SignedNeuron } from "./branch-program.ts";
import type { Crown } from "./crown.ts";
import type { Evaluation } from "./evaluation.ts";
import type { Interval } from "./interval.ts";
import { optimizedBounds } from "./slopes.ts";
import type { RegionState } from "./state.ts";
import { untilStopped } from "./until-stopped.ts";

/** Steps on the slopes of the last walk, for each part. */
const STEPS = 10;
/** How long `branchAndBound` tries a part, as a multiple of what the bounds of its hidden layers took. */
const PATIENCE = 3;

/** The limits of a search. */
export interface RefineOptions {
  readonly evaluation?: Evaluation | undefined;
  readonly stop: () => boolean;
  /** A clock, in seconds. */
  readonly now: () => number;
}

/** A part of the region: its intervals, the goals that are open on it, and what its analysis took in seconds. */
interface Part {
  readonly state: RegionState;
  /** The signs that make the part. */
  readonly signs: readonly SignedNeuron[];
  readonly goals: readonly Goal[];
  readonly seconds: number;
}

/**
 * Proves goals about the output on a region. True if all hold; false if `stop` ended the search, or no neuron is left to
 * be split.
 */
export async function refinedBranching(
  crown: Crown,
  root: RegionState,
  goals: readonly Goal[],
  options: RefineOptions,
): Promise<boolean> {
  const { now, stop } = options;
  const parts: Part[] = [{ state: root, signs: [], goals, seconds: 0 }];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    if (stop()) return false;
    const { left, split } = await tried(crown, part, options);
    if (left.length === 0) continue;
    if (split === null) return false;
    for (const sign of [1, -1] as const) {
      const started = now();
      const { relu, element } = split;
      const signs = part.signs.concat({ relu, element, sign });
      const known = clamped(part.state, split, sign);
      const { evaluation } = options;
      const state = await crown.analyse(root.region, {
        evaluation,
        known,
        bounds: untilStopped(stop, (part, node, rows) => crown.lowerBounds(part, node, rows)),
      });
      if (stop()) return false;
      if (!state.isEmpty) parts.push({ state, signs, goals: left, seconds: now() - started });
    }
  }
  return true;
}

/** The goals that stay open on a part after a short search, and the neuron to split. */
async function tried(
  crown: Crown,
  { state, signs, goals, seconds }: Part,
  { now, stop }: RefineOptions,
): Promise<{ readonly left: readonly Goal[]; readonly split: Neuron | null }> {
  const { output } = crown.plan;
  const rows = goals.map(({ row }) => row);
  const bounds = await optimizedBounds(crown, state, output, rows, {
    iterations: STEPS,
    untilPositive: false,
    stop,
  });
  const open = goals.filter(({ limit }, i) => !(bounds[i] > limit));
  if (open.length === 0) return { left: open, split: null };
  const until = now() + PATIENCE * seconds;
  const isEnough = () => now() > until;
  const { gaps, split } = await branchAndBound(crown, state, open, stop, { isEnough, signs });
  return { left: open.filter((_, i) => gaps[i] !== Number.POSITIVE_INFINITY), split };
}

/** What is known of the points of a region where a neuron's input has a sign. */
function clamped(
  { intervals }: RegionState,
  { relu, element }: Neuron,
  sign: 1 | -1,
): Pick<RegionState, "interval"> {
  const [node] = relu.inputs;
  const { shape, lower, upper } = intervals.get(node) as Interval;
  const [low, high] = [lower.slice(), upper.slice()];
  if (sign > 0) low[element] = Math.max(low[element], 0);
  else high[element] = Math.min(high[element], 0);
  const half: Interval = { shape, lower: low, upper: high };
  return { interval: (one) => (one === node ? half : (intervals.get(one) as Interval)) };
}
