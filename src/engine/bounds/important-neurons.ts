import type { Value } from "../graph/value.ts";
import { type Goal, rootsOf } from "./branch.ts";
import { type Crown, isRelu, type SparseRow } from "./crown.ts";
import { isOpen } from "./domain.ts";
import { improved } from "./improved.ts";
import { costOf } from "./split-candidates.ts";
import type { RegionState } from "./state.ts";
import type { RowBounds } from "./until-stopped.ts";

/** Steps on slopes before the costs are looked at. */
const STEPS = 3;
/** The share of the costs of all neurons that the important ones have together. */
const SHARE = 0.97;

/** Says whether better bounds of an element of a relaxed node's input are worth their time. */
export type IsWanted = (node: Value, element: number) => boolean;

/**
 * The elements that matter for goals: the inputs of the unstable ReLUs whose relaxations cost the bounds of these goals
 * most, and 97 % of what all cost; and all inputs of other relaxed nodes.
 */
export async function importantNeurons(
  crown: Crown,
  state: RegionState,
  goals: readonly Goal[],
  stop: () => boolean,
): Promise<IsWanted> {
  const { program, roots } = rootsOf(crown, state, goals);
  await improved(program, roots, STEPS, stop);
  const costs = new Float64Array(program.unstable);
  for (const { coefficients, lines } of roots.filter(isOpen)) {
    if (coefficients === null) continue;
    for (let k = 0; k < costs.length; k++) {
      const cost = costOf(coefficients[k], lines.lower[k], lines.upper[k]);
      costs[k] = Math.max(costs[k], cost);
    }
  }
  const important = new Map<Value, Set<number>>();
  for (const neuron of costliest(costs)) {
    const { relu, element } = program.neuron(neuron);
    const [input] = relu.inputs;
    const elements = important.get(input) ?? new Set();
    important.set(input, elements.add(element));
  }
  return (node, element) =>
    important.get(node)?.has(element) === true || !crown.plan.tightenedFor(node).every(isRelu);
}

/** The fewest indices that make up the share of a sum, the largest first. */
function costliest(costs: Float64Array): number[] {
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  const order = Array.from(costs.keys()).sort((a, b) => costs[b] - costs[a]);
  const chosen: number[] = [];
  let covered = 0;
  for (const k of order) {
    if (covered >= SHARE * total) break;
    chosen.push(k);
    covered += costs[k];
  }
  return chosen;
}

/** Bounds of the rows with one element that is wanted; nothing is known about the others, so that they keep what they had. */
export const ofElements =
  (isWanted: IsWanted, boundsOf: RowBounds): RowBounds =>
  async (state, node, rows) => {
    const bounds = new Float64Array(rows.length).fill(Number.NEGATIVE_INFINITY);
    const wanted = Array.from(rows.keys()).filter((k) => isWanted(node, elementOf(rows[k])));
    if (wanted.length === 0) return bounds;
    const found = await boundsOf(
      state,
      node,
      wanted.map((k) => rows[k]),
    );
    for (const [i, k] of wanted.entries()) bounds[k] = found[i];
    return bounds;
  };

const elementOf = ([[element]]: SparseRow): number => element;
