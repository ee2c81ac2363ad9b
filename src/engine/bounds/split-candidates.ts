import type { BranchProgram } from "./branch-program.ts";
import type { Domain } from "./domain.ts";

/**
 * The neurons to split: those of a domain whose relaxation costs its bound most, at most `count`, the costliest first (after
 * Bunel et al. 2020, arXiv:1909.06588, §5.2). If none costs anything, any unstable ones.
 */
export function candidatesOf(program: BranchProgram, domain: Domain, count: number): number[] {
  const ranked = byCost(new Int32Array(program.unstable).keys(), domain, count);
  const costly = ranked.filter(({ cost }) => cost > 0);
  return (costly.length > 0 ? costly : ranked).map(({ neuron }) => neuron);
}

/** Those of some neurons whose relaxation costs the bound of a domain most, at most `count`, the costliest first. */
export const costliest = (neurons: Iterable<number>, domain: Domain, count: number): number[] =>
  byCost(neurons, domain, count)
    .filter(({ cost }) => cost > 0)
    .map(({ neuron }) => neuron);

/** A neuron and what its relaxation costs. */
interface Costly {
  readonly neuron: number;
  readonly cost: number;
}

/** Those of some neurons that are unstable on a domain and not split: the costliest ones, at most `count`. */
function byCost(
  neurons: Iterable<number>,
  { coefficients, splits, lines }: Domain,
  count: number,
): Costly[] {
  if (coefficients === null) return [];
  const split = new Set(splits.map(({ neuron }) => neuron));
  const best: Costly[] = [];
  for (const neuron of neurons) {
    const [low, high] = [lines.lower[neuron], lines.upper[neuron]];
    if (low >= 0 || high <= 0) continue;
    const cost = costOf(coefficients[neuron], low, high);
    if (best.length === count && cost <= best[count - 1].cost) continue;
    if (split.has(neuron)) continue;
    if (best.length === count) best.pop();
    const at = best.findIndex((other) => other.cost < cost);
    best.splice(at < 0 ? best.length : at, 0, { neuron, cost });
  }
  return best;
}

/**
 * What the relaxation of a ReLU on [low, high] costs at a coefficient of its output: the largest distance of the upper line,
 * times the coefficient. Positive coefficients meet lower lines. Those cost nothing with the best slopes, as the ReLU is
 * convex: the minimum of the relaxed network has the ReLU's own value there.
 */
export function costOf(coefficient: number, low: number, high: number): number {
  if (low >= 0 || high <= 0 || coefficient >= 0) return 0;
  return (-coefficient * (-low * high)) / (high - low);
}
