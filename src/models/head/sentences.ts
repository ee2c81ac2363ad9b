// What was taken off a file's output, in sentences for a terminal and a report.

import type { TwoClasses } from "./two-classes.ts";

/** What stands between a file's output and the scores that attacks see. */
export interface Head {
  /** Names of what was taken off, the outermost first: `Softmax`. */
  readonly removed: readonly string[];
  /** Whether attacks see logarithms of probabilities that have no logits of their own. */
  readonly isLogarithm: boolean;
  /** Whether a clip ties classes, so that gradients come from before it. */
  readonly isSaturated: boolean;
  /** How one score became two classes; null where the file has a score for each class. */
  readonly twoClasses: Pick<TwoClasses, "rule" | "decision"> | null;
}

/** Up to four digits, without those that are zero. */
const digits = (value: number): string => String(Number(value.toPrecision(4)));

function twoClassesSentence({ removed, twoClasses }: Head): string | null {
  if (twoClasses === null) return null;
  const { rule, decision } = twoClasses;
  const opening = "One score became two classes: class 1 where ";
  if (decision === null) return `${opening}the output is above ${rule}.`;
  const { side, threshold } = decision;
  const what = removed.length > 0 ? `the score z before ${removed[removed.length - 1]} has z` : "z";
  const where = `${what} ${side === "above" ? ">" : "<"} ${digits(threshold)} (${rule}).`;
  return removed.length > 0
    ? `${opening}${where}`
    : `${opening.replace("score", "score z")}${where}`;
}

/** What a reader of the results must know of the output, a sentence each; none where scores are as the file gives them. */
export function headSentences(head: Head): string[] {
  const { removed, isLogarithm, isSaturated } = head;
  const what = isLogarithm ? "logarithms of the probabilities" : "logits";
  const sentences: string[] = [];
  if (removed.length > 0)
    sentences.push(`${removed.join(", ")} taken off the output; attacks see the ${what}.`);
  else if (isLogarithm)
    sentences.push(`The output holds mixed probabilities; attacks see the ${what}.`);
  if (isSaturated)
    sentences.push(
      "A clip in the output ties classes: decisions are the file's own, and gradients come from before the clip.",
    );
  const two = twoClassesSentence(head);
  if (two !== null) sentences.push(two);
  return sentences;
}
