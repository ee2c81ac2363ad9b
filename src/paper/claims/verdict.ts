// When a claim holds: a rule on intervals of paired differences, written down once for the code and for docs/paper.md.
import type { Interval } from "../../math/statistics.ts";

/** The four verdicts. */
export const verdicts = ["holds", "does not hold", "artefact", "undecided"] as const;
export type Verdict = (typeof verdicts)[number];

/** The sign that a claim expects of a difference. */
export type Expected = "more" | "not more" | "less" | "equal";

/** Accuracies that differ by less count as equal. */
export const MARGIN = 0.05;

/** The verdict of one interval: `more` than zero, `less`, `not more` by `margin`, or `equal` within it. */
export function verdictOf({ low, high }: Interval, expected: Expected, margin = MARGIN): Verdict {
  if (expected === "equal") {
    if (low > -margin && high < margin) return "holds";
    return low > 0 || high < 0 ? "does not hold" : "undecided";
  }
  if (expected === "not more") {
    if (low > 0) return "does not hold";
    return high < margin ? "holds" : "undecided";
  }
  const [near, far] = expected === "more" ? [low, high] : [-high, -low];
  if (near > 0) return "holds";
  return far < 0 ? "does not hold" : "undecided";
}

/** The verdict of a claim of several comparisons: all have to hold, and one that does not hold decides. */
export function allOf(all: readonly Verdict[]): Verdict {
  if (all.length > 0 && all.every((one) => one === "holds")) return "holds";
  return all.includes("does not hold") ? "does not hold" : "undecided";
}

/**
 * The verdict of a difference that was measured under both protocols. Artefact: the published protocol shows it, the sound one
 * does not, and the two intervals do not overlap.
 */
export function protocolVerdict(published: Interval, sound: Interval, expected: Expected): Verdict {
  const own = verdictOf(sound, expected);
  if (own === "holds") return own;
  const isApart = published.low > sound.high || published.high < sound.low;
  return verdictOf(published, expected) === "holds" && isApart ? "artefact" : own;
}
