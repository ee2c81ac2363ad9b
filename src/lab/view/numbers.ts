/** A share as a percentage: `97 %`, `0.4 %`. */
export function percent(share: number): string {
  const points = 100 * share;
  if (points > 0 && points < 0.1) return "<0.1\u00a0%";
  return `${points < 1 && points > 0 ? points.toFixed(1) : Math.round(points)}\u00a0%`;
}

/** A number with three significant digits and no exponent for everyday sizes: `0.0312`, `12.5`. */
export function short(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) >= 1000 || Math.abs(value) < 1e-4) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

export const normSigns = { linf: "ℓ∞", l2: "ℓ2", l1: "ℓ1" } as const;
