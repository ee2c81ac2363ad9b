import type { BranchProgram } from "./branch-program.ts";
import type { Domain } from "./domain.ts";

/**
 * The unstable neurons of a domain whose relaxation costs its bound most, at most `count`, the costliest first
 * (after Bunel et al. 2020, arXiv:1909.06588, §5.2).
 */
export function candidatesOf(program: BranchProgram, domain: Domain, count: number): number[] {
  const { coefficients, splits, lines } = domain;
  if (coefficients === null) return [];
  const known = new Set(splits.map(({ neuron }) => neuron));
  const best: { readonly neuron: number; readonly score: number }[] = [];
  for (let neuron = 0; neuron < program.unstable; neuron++) {
    const [low, high] = [lines.lower[neuron], lines.upper[neuron]];
    if (low >= 0 || high <= 0) continue;
    const score = costOf(coefficients[neuron], low, high);
    if (best.length === count && score <= best[count - 1].score) continue;
    if (known.has(neuron)) continue;
    if (best.length === count) best.pop();
    const at = best.findIndex((other) => other.score < score);
    best.splice(at < 0 ? best.length : at, 0, { neuron, score });
  }
  const costly = best.filter(({ score }) => score > 0);
  return (costly.length > 0 ? costly : best).map(({ neuron }) => neuron);
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
