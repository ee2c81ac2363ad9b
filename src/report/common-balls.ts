// What a gate on the drop between two evaluations needs: attacks in the same balls.
import { UsageError } from "../math/usage-error.ts";
import type { Evaluation } from "./evaluation.ts";
import { listed, normName, radiusText } from "./format.ts";
import { type Ball, ballKey, outcomesOf } from "./outcomes.ts";

/** A radius as people write it, and its number where that is another text, since balls match by their numbers. */
function exactText({ norm, epsilon }: Ball): string {
  if (epsilon === null) return "no bound";
  const text = radiusText(norm, epsilon);
  return norm === "l0" || text === String(epsilon) ? text : `${text} (${epsilon})`;
}

/** `ℓ∞ (0.0313725 before, 8/255 after)` for each norm in which no radius is in both. */
function withoutCommonRadius(before: readonly Ball[], after: readonly Ball[]): string[] {
  const radiiOf = (balls: readonly Ball[], norm: string | null) => {
    const own = balls.filter((ball) => ball.norm === norm);
    return own.length === 0 ? "none" : listed(own.map(exactText));
  };
  const names = new Set(after.map(ballKey));
  const common = new Set(before.filter((ball) => names.has(ballKey(ball))).map(({ norm }) => norm));
  const norms = new Set([...before, ...after].map(({ norm }) => norm));
  return [...norms]
    .filter((norm) => !common.has(norm))
    .map(
      (norm) =>
        `${norm === null ? "attacks without a norm" : normName(norm)} (${radiiOf(before, norm)} before, ${radiiOf(after, norm)} after)`,
    );
}

/** Throws `UsageError` if a norm has no radius that both attacked: clean accuracy, or another norm, would decide alone. */
export function requireCommonBalls(before: Evaluation, after: Evaluation): void {
  const balls = [before, after].map(({ rows }) => outcomesOf(rows).balls);
  const [a, b] = balls;
  if (a.length + b.length === 0)
    throw new UsageError(
      "--max-drop needs accuracies under attack, and neither result has attacks; clean accuracy alone does not decide",
      { code: "misfit", next: "audit both models, with the same radii" },
    );
  const missing = withoutCommonRadius(a, b);
  if (missing.length > 0)
    throw new UsageError(
      `--max-drop needs attacks at the same radii, and no radius is in both results in ${listed(missing)}`,
      {
        code: "misfit",
        next: "audit both models with the same --epsilon-…; 8/255 and 0.0313725 are different radii",
      },
    );
}
