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

/** A guaranteed number with three significant digits, rounded down: what is shown must hold. */
export function shortDown(value: number): string {
  if (value <= 0) return "0";
  const unit = 10 ** (Math.floor(Math.log10(value)) - 2);
  return short(Math.floor(value / unit) * unit);
}

/** A guaranteed share as a percentage with one digit, rounded down: `99.6 %`. */
export const percentDown = (share: number): string =>
  `${(Math.floor(1000 * share) / 10).toFixed(1)}\u00a0%`;

export const normSigns = { linf: "ℓ∞", l2: "ℓ2", l1: "ℓ1" } as const;
