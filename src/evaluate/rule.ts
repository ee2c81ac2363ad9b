import { unknownName } from "../math/nearest.ts";
import { argmax, NO_CLASS, rowSize, type Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";

/** How a randomised classifier makes one prediction out of `draws` noise draws. */
export interface Rule {
  /** As written on the command line: `single`, `majority:10`, `mean:10`. */
  readonly name: string;
  /** Draws per prediction. */
  readonly draws: number;
  /** Logits [draws, classes] → class; −1 where scores are NaN, or none is above −∞. */
  decide(logits: Tensor): number;
}

const rowsOf = (logits: Tensor): Float32Array[] => {
  const classes = rowSize(logits);
  return Array.from({ length: logits.shape[0] }, (_, i) =>
    logits.data.subarray(i * classes, (i + 1) * classes),
  );
};

const deciders: Readonly<Record<string, (logits: Tensor) => number>> = {
  majority(logits) {
    const votes = new Array<number>(rowSize(logits)).fill(0);
    for (const row of rowsOf(logits)) {
      const decided = argmax(row);
      if (decided !== NO_CLASS) votes[decided]++;
    }
    return votes.every((count) => count === 0) ? NO_CLASS : argmax(votes);
  },
  // The mean of probabilities, not of logits: a confident draw counts no more than one vote.
  mean(logits) {
    const total = new Array<number>(rowSize(logits)).fill(0);
    for (const row of rowsOf(logits)) {
      const top = Math.max(...row);
      const odds = Array.from(row, (z) => Math.exp(z - top));
      const sum = odds.reduce((a, b) => a + b, 0);
      for (const [i, odd] of odds.entries()) total[i] += odd / sum;
    }
    return argmax(total);
  },
};

/** The rule written `single`, `majority:k` or `mean:k`. */
export function ruleNamed(text: string): Rule {
  if (text === "single") return { name: text, draws: 1, decide: deciders.majority };
  const [kind, count] = text.split(":");
  if (!Object.hasOwn(deciders, kind))
    throw new UsageError(unknownName("rule", kind, ["single", "majority", "mean"]), {
      code: "unknown-name",
    });
  const draws = Number(count);
  if (!Number.isInteger(draws) || draws < 1)
    throw new UsageError(
      `rule ${text} needs the number of draws per prediction, for example ${kind}:10`,
      { code: "bad-option" },
    );
  return { name: text, draws, decide: deciders[kind] };
}

/** The most frequent class; the first one on a tie. */
export function mostFrequent(decisions: readonly number[]): number {
  const votes = new Map<number, number>();
  for (const decision of decisions) votes.set(decision, (votes.get(decision) ?? 0) + 1);
  return [...votes].sort(([a, m], [b, n]) => n - m || a - b)[0][0];
}
