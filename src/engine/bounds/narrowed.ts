import { type Layer, type PartLines, slopesOn } from "./domain.ts";
import { reluLines } from "./relaxations.ts";
import type { FloatType } from "./rounding.ts";
import { roundedUp } from "./scales.ts";

/** A lower bound of sign·z, for the input z of a neuron. */
export interface SideBound {
  /** The index of the neuron among those of all layers. */
  readonly neuron: number;
  readonly sign: 1 | -1;
  readonly bound: number;
}

/**
 * The lines of a part where neurons of one layer have other bounds too: the same lines if none is tighter, null if no point
 * has them all.
 */
export function narrowed(
  lines: PartLines,
  { first, elements, size }: Layer,
  bounds: readonly SideBound[],
  type: FloatType,
): PartLines | null {
  const tighter = bounds.filter(({ neuron, sign, bound }) =>
    sign > 0 ? bound > lines.lower[neuron] : -bound < lines.upper[neuron],
  );
  if (tighter.length === 0) return lines;
  const [lower, upper] = [lines.lower.slice(), lines.upper.slice()];
  for (const { neuron, sign, bound } of tighter)
    if (sign > 0) lower[neuron] = bound;
    else upper[neuron] = -bound;
  const [upperSlopes, upperIntercepts] = [lines.upperSlopes.slice(), lines.upperIntercepts.slice()];
  const [leastSlopes, mostSlopes] = [lines.leastSlopes.slice(), lines.mostSlopes.slice()];
  const changed = new Set(tighter.map(({ neuron }) => neuron));
  const intercepts = new Float64Array(size);
  for (const k of changed) {
    if (lower[k] > upper[k]) return null;
    const line = reluLines(lower[k], upper[k], type).upper;
    upperSlopes[k] = line.slopes[0];
    intercepts[elements[k - first]] = line.intercept;
    [leastSlopes[k], mostSlopes[k]] = slopesOn(lower[k], upper[k]);
  }
  const fed = roundedUp(intercepts, type);
  for (const k of changed) upperIntercepts[k] = fed[elements[k - first]];
  return { lower, upper, upperSlopes, upperIntercepts, leastSlopes, mostSlopes };
}
