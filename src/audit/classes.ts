// The results of each class under attack.
import type { Row } from "../evaluate/row.ts";
import { groupBy } from "../evaluate/row-statistics.ts";
import { mean } from "../math/statistics.ts";
import { NO_CLASS } from "../math/tensor.ts";

/** Accuracies of one class, as shares in [0, 1] of its examples. */
export interface AuditClass {
  readonly label: number;
  readonly name: string;
  readonly examples: number;
  readonly clean: number;
  readonly union: number;
}

/**
 * The number of images of one class that get another class, or keep their class, under the strongest attack. Images that are wrong
 * without an attack count with the class that they then get.
 */
export interface Confusion {
  readonly label: number;
  readonly name: string;
  /** The class predicted under attack; the label itself where no attack broke the image; −1 where a score is NaN. */
  readonly predicted: number;
  /** `no class` for −1. */
  readonly predictedName: string;
  readonly images: number;
}

/** An attack may move an image that is wrong without it to its label; the image is wrong all the same. */
const predictedOf = ({ draws, clean, prediction, adversarialPrediction }: Row): number =>
  draws === 1 && clean === 0 ? prediction : adversarialPrediction;

/** Counts of label and prediction over the worst row of each image, the most frequent first. */
export function confusionsOf(worst: readonly Row[], names: readonly string[]): Confusion[] {
  const nameOf = (index: number) =>
    index === NO_CLASS ? "no class" : (names[index] ?? String(index));
  const pairs = groupBy(worst, (row) => `${row.label} ${predictedOf(row)}`);
  return [...pairs.values()]
    .map((own) => {
      const [{ label }] = own;
      const predicted = predictedOf(own[0]);
      return {
        label,
        name: nameOf(label),
        predicted,
        predictedName: nameOf(predicted),
        images: own.length,
      };
    })
    .sort((a, b) => b.images - a.images || a.label - b.label || a.predicted - b.predicted);
}

/** Accuracies by class over the worst row of each image, the lowest under attack first. */
export const classesOf = (worst: readonly Row[], names: readonly string[]): AuditClass[] =>
  [...groupBy(worst, ({ label }) => label)]
    .map(([label, rows]) => ({
      label,
      name: names[label] ?? String(label),
      examples: rows.length,
      clean: mean(rows.map(({ clean }) => clean)),
      union: mean(rows.map(({ correct }) => correct)),
    }))
    .sort((a, b) => a.union - b.union || a.clean - b.clean || a.label - b.label);
