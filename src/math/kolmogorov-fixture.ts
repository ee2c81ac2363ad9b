/** Kolmogorov's statistic √n · sup |F̂ − F|. */
export function kolmogorov(values: ArrayLike<number>, cdf: (x: number) => number): number {
  const sorted = Float64Array.from(values).sort();
  const n = sorted.length;
  let gap = 0;
  sorted.forEach((x, i) => {
    gap = Math.max(gap, (i + 1) / n - cdf(x), cdf(x) - i / n);
  });
  return Math.sqrt(n) * gap;
}
