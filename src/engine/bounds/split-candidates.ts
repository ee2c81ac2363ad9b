import type { BranchProgram } from "./branch-program.ts";
import type { Domain } from "./domain.ts";

/**
 * The unstable neurons of a domain whose relaxation costs its bound most, at most `count`, the costliest first: by the
 * distance between the two lines of a neuron, times its coefficient (Bunel et al. 2020, arXiv:1909.06588, §5.2).
 */
export function candidatesOf(program: BranchProgram, domain: Domain, count: number): number[] {
  const { slopes, coefficients, splits, lines } = domain;
  if (coefficients === null) return [];
  const known = new Set(splits.map(({ neuron }) => neuron));
  const best: { readonly neuron: number; readonly score: number }[] = [];
  for (let neuron = 0; neuron < program.unstable; neuron++) {
    const [low, high] = [lines.lower[neuron], lines.upper[neuron]];
    if (low >= 0 || high <= 0) continue;
    const score = costOf(coefficients[neuron], slopes[neuron], low, high);
    if (best.length === count && score <= best[count - 1].score) continue;
    if (known.has(neuron)) continue;
    if (best.length === count) best.pop();
    const at = best.findIndex((other) => other.score < score);
    best.splice(at < 0 ? best.length : at, 0, { neuron, score });
  }
  return best.map(({ neuron }) => neuron);
}

/** What the relaxation of a ReLU on [low, high] can cost at a coefficient of its output. */
export function costOf(coefficient: number, slope: number, low: number, high: number): number {
  if (low >= 0 || high <= 0) return 0;
  if (coefficient < 0) return (-coefficient * (-low * high)) / (high - low);
  return (coefficient * Math.max(-slope * low, (1 - slope) * high)) / 2;
}
