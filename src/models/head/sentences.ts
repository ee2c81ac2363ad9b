// Describes the operators that were removed from a file's output, in sentences for a terminal and a report.

import type { TwoClasses } from "./two-classes.ts";

/** The operators between a file's output and the scores that attacks see. */
export interface Head {
  /** Names of the removed operators, the outermost first: `Softmax`. */
  readonly removed: readonly string[];
  /** Whether attacks see logarithms of probabilities, because there are no logits behind them. */
  readonly isLogarithm: boolean;
  /** Whether a clip ties classes, so that gradients are taken before it. */
  readonly isSaturated: boolean;
  /** How one score became two classes; null if the file has a score for each class. */
  readonly twoClasses: Pick<TwoClasses, "rule" | "decision"> | null;
}

/** Four significant digits, without trailing zeros. */
const digits = (value: number): string => String(Number(value.toPrecision(4)));

function twoClassesSentence({ removed, twoClasses }: Head): string | null {
  if (twoClasses === null) return null;
  const { rule, decision } = twoClasses;
  const opening = "One score became two classes: class 1 where ";
  if (decision === null) return `${opening}the output is above ${rule}.`;
  const { side, threshold } = decision;
  const score =
    removed.length > 0 ? `the score z before ${removed[removed.length - 1]} has z` : "z";
  const condition = `${score} ${side === "above" ? ">" : "<"} ${digits(threshold)} (${rule}).`;
  return removed.length > 0
    ? `${opening}${condition}`
    : `${opening.replace("score", "score z")}${condition}`;
}

/** Sentences that a reader of the results must know about the output; none if attacks see the output itself. */
export function headSentences(head: Head): string[] {
  const { removed, isLogarithm, isSaturated } = head;
  const scores = isLogarithm ? "logarithms of the probabilities" : "logits";
  const sentences: string[] = [];
  if (removed.length > 0)
    sentences.push(`${removed.join(", ")} taken off the output; attacks see the ${scores}.`);
  else if (isLogarithm)
    sentences.push(`The output holds mixed probabilities; attacks see the ${scores}.`);
  if (isSaturated)
    sentences.push(
      "A clip in the output ties classes: decisions are the file's own, and gradients come from before the clip.",
    );
  const two = twoClassesSentence(head);
  if (two !== null) sentences.push(two);
  return sentences;
}
