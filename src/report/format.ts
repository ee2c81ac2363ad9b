import type { Interval } from "../math/statistics.ts";

/** 0.4525 → `45.3 %`; NaN, an accuracy of no images, → `–`. */
export const percent = (share: number): string =>
  Number.isNaN(share) ? "–" : `${(100 * share).toFixed(1)} %`;

/** The most decimals of a share in percent. */
const MAX_DECIMALS = 12;

/** Two shares in percent, with as many decimals as tell them apart: 0.3996 and 0.4 → `39.96 %` and `40.00 %`. */
export function percentsApart(a: number, b: number): readonly [string, string] {
  for (let decimals = 1; decimals < MAX_DECIMALS; decimals++) {
    const [left, right] = [a, b].map((share) => `${(100 * share).toFixed(decimals)} %`);
    if (left !== right) return [left, right];
  }
  return [percent(a), percent(b)];
}

/** The ends of an interval in percent: `42.2–48.4`. */
export const range = ({ low, high }: Interval): string =>
  `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}`;

/** A radius in its usual form: 0.03137254901960784 → `8/255`, 0.031 → `0.031`. */
export function radius(epsilon: number): string {
  const steps = epsilon * 255;
  if (String(epsilon).length <= 6) return String(epsilon);
  return Math.abs(steps - Math.round(steps)) < 1e-9
    ? `${Math.round(steps)}/255`
    : String(Number(epsilon.toPrecision(4)));
}

/** Four significant digits: 1234.5678 → `1,235`, 0.0309999 → `0.03100`. */
export const number = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(4);

/** `linf` → `ℓ∞`, `l2` → `ℓ2`. */
export const normName = (norm: string): string =>
  norm.replace(/^l(?=inf$|\d)/, "ℓ").replace("inf", "∞");

/** A radius in a norm: `8/255`, and in ℓ0 `3 pixels`. */
export const radiusText = (norm: string | null, epsilon: number): string =>
  norm === "l0" ? counted(epsilon, "pixel") : radius(epsilon);

/** A radius with its sign: `ε 8/255`, and in ℓ0 `3 pixels`. */
export const epsilonText = (norm: string | null, epsilon: number): string =>
  norm === "l0" ? radiusText(norm, epsilon) : `ε ${radius(epsilon)}`;

/** The axis of a chart over radii: `ε in ℓ∞, pixels in [0, 1]`, and in ℓ0 `changed pixels (ℓ0)`. */
export const radiusAxis = (norm: string): string =>
  norm === "l0" ? "changed pixels (ℓ0)" : `ε in ${normName(norm)}, pixels in [0, 1]`;

/** `a`, `a and b`, `a, b and c`. */
export const listed = (words: readonly string[]): string =>
  words.length < 2
    ? words.join("")
    : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;

/** `1 image`, `2 images`. */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** An ISO 8601 time in readable form: `29 November 2026, 15:09 UTC`. Other texts are returned unchanged. */
export function dateText(iso: string): string {
  const date = new Date(iso);
  if (!/^\d{4}-\d{2}-\d{2}T/.test(iso) || Number.isNaN(date.getTime())) return iso;
  const time = date.toISOString().slice(11, 16);
  return `${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}, ${time} UTC`;
}

/** Operations of a prediction, with three digits: 40551000 → `40.6 M`. */
export function macsText(macs: number): string {
  const units = ["", " k", " M", " G", " T"];
  const place = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, macs)) / 3));
  return `${Number((macs / 1000 ** place).toPrecision(3))}${units[place]}`;
}

/** A size in memory: 25276510208 → `23.5 GiB`. */
export function bytesText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const place = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** place;
  return `${place === 0 ? value : value.toFixed(1)} ${units[place]}`;
}
