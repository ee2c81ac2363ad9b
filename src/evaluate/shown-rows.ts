import type { ResolvedOptions } from "./options.ts";
import type { Row } from "./row.ts";

/**
 * Selects the rows whose images are kept: rows of the first test images, or, if attacks skip broken examples, rows of broken
 * examples. With several numbers of EOT draws, only the largest number counts, because it is the strongest attack.
 */
export function shownRows(
  { eot, skipBroken }: ResolvedOptions,
  randomised: boolean,
  saveExamples: number,
): (row: Row) => boolean {
  const maxEot = Math.max(...eot);
  return (row) => {
    if (randomised && row.attack !== "none" && row.eot !== maxEot) return false;
    return skipBroken
      ? row.prediction === row.label && row.majority === 0
      : row.index < saveExamples;
  };
}
