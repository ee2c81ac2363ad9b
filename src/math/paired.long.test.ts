import { expect, it } from "vitest";
import { pairedDifference } from "./paired.ts";
import { fillBits, fold, keyOf } from "./random.ts";

const SAMPLES = 400;

/** Share of samples of n images, each lost or gained with these probabilities, whose 95 % interval holds the truth. */
function coverage(n: number, lost: number, gained: number): number {
  const key = fold(keyOf(7), n);
  let covered = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const words = new Uint32Array(n);
    fillBits(fold(key, sample), words);
    const differences = Array.from(words, (word) => {
      const u = word / 2 ** 32;
      if (u < lost) return -1;
      return u < lost + gained ? 1 : 0;
    });
    const { low, high } = pairedDifference(differences, fold(key, SAMPLES + sample));
    if (low <= gained - lost && gained - lost <= high) covered++;
  }
  return covered / SAMPLES;
}

// The standard error of a coverage of 0.95 over 400 samples is 0.011. At 50 images a bootstrap is known to cover a little less.
const cases = [
  { n: 50, lost: 0.1, gained: 0.05, least: 0.9 },
  { n: 100, lost: 0.01, gained: 0.01, least: 0.91 },
  { n: 100, lost: 0.1, gained: 0.02, least: 0.92 },
  { n: 200, lost: 0.05, gained: 0.05, least: 0.92 },
  { n: 200, lost: 0.01, gained: 0, least: 0.92 },
  { n: 400, lost: 0.2, gained: 0.1, least: 0.92 },
];

// The larger ones take half a minute.
it.each(cases.filter(({ n }) => process.env.SLOW === "1" || n <= 100))(
  "a 95 % interval of $n images with $lost lost and $gained gained covers the truth",
  {
    timeout: 120_000,
  },
  ({ n, lost, gained, least }) => {
    expect(coverage(n, lost, gained)).toBeGreaterThanOrEqual(least);
  },
);
