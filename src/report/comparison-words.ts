// Texts of a comparison that every format uses.
import type { Interval } from "../math/statistics.ts";
import type { ComparedAccuracy } from "./compared.ts";
import type { Comparison } from "./comparison.ts";
import { counted, normName, percent, radiusText } from "./format.ts";
import type { Ball } from "./outcomes.ts";

const ballText = ({ norm, epsilon }: Ball): string =>
  `${norm === null ? "no norm" : normName(norm)} ${epsilon === null ? "without bound" : radiusText(norm, epsilon)}`;

/** `clean`, `under attack in ℓ∞ 8/255`, or `under attack in ℓ∞ 8/255 or ℓ2 0.5`. */
export const nameOf = ({ balls }: Pick<ComparedAccuracy, "balls">): string =>
  balls.length === 0 ? "clean" : `under attack in ${balls.map(ballText).join(" or ")}`;

/** `after.onnx against before.onnx`. */
export const titleOf = ({ before, after }: Comparison): string =>
  `${after.label} against ${before.label}`;

/** −0.025 → `−2.5`. */
const signed = (share: number): string => {
  const text = Math.abs(100 * share).toFixed(1);
  if (text === "0.0") return text;
  return share < 0 ? `−${text}` : `+${text}`;
};

/** A difference of shares in percentage points: `−2.5 points`. */
export const points = (share: number): string =>
  Number.isNaN(share) ? "–" : `${signed(share)} points`;

/** `−4.1 to −0.9`. */
export const pointsRange = ({ low, high }: Interval): string => `${signed(low)} to ${signed(high)}`;

/** `0.021`, or `< 0.001`. */
export const pText = (p: number): string => (p < 0.001 ? "< 0.001" : p.toFixed(3));

/** The accuracy to quote. */
export const headlineOf = ({ accuracies, headline }: Comparison): ComparedAccuracy =>
  accuracies.find(({ name }) => name === headline) ?? accuracies[0];

/** The change of the accuracy to quote, in one sentence. */
export function headlineSentence(comparison: Comparison): string {
  const one = headlineOf(comparison);
  const { before, after, difference, lost, gained } = one;
  const name = one.balls.length === 0 ? "Clean accuracy" : `Accuracy ${nameOf(one)}`;
  const numbers = `from ${percent(before)} to ${percent(after)}: ${points(difference.mean)} [${pointsRange(difference)}], ${counted(lost, "image")} lost and ${gained} gained`;
  if (difference.mean === 0)
    return `${name} stays at ${percent(after)}: ${counted(lost, "image")} lost and ${gained} gained.`;
  return `${name} ${difference.mean < 0 ? "fell" : "rose"} ${numbers}.`;
}

/** A sentence on whether the change may be due to chance. */
export function evidence(comparison: Comparison): string {
  const { p, lost, gained } = headlineOf(comparison);
  if (lost + gained === 0) return "No image changed.";
  return p < 0.05
    ? `This is unlikely to be chance (McNemar p ${p < 0.001 ? pText(p) : `= ${pText(p)}`}).`
    : `This may be chance (McNemar p = ${pText(p)}).`;
}

/** The decision of --max-drop in one sentence; empty without it. */
export function dropSentence({ drop, accuracies }: Comparison): string {
  if (drop === null) return "";
  const max = `${(100 * drop.max).toFixed(1)} points`;
  const dropped = accuracies.filter(({ name }) => drop.dropped.includes(name)).map(nameOf);
  if (dropped.length > 0)
    return `Fails: ${dropped.join(" and ")} dropped by more than ${max}. The point estimate decides, not the interval.`;
  if (!drop.passed) return "Fails: an audit is invalid.";
  const decides = accuracies.filter(({ name }) => drop.decides.includes(name)).map(nameOf);
  return `Passes: no drop above ${max} (${decides.join("; ")}). The point estimate decides, not the interval.`;
}

/** Explains how the interval and p are computed. */
export const METHOD =
  "Each image is paired with itself. Change: accuracy after minus before, with a 95 % bootstrap interval over images (BCa, 2000 samples). Lost: right before, wrong after. p: McNemar's exact two-sided test; it is the probability of a split of lost and gained at least as uneven if both models were equally good.";
