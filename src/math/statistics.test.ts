import { expect, it } from "vitest";
import { normal, uniform } from "./distributions.ts";
import { fold, keyOf } from "./random.ts";
import {
  clopperPearson,
  meanInterval,
  studentQuantile,
  twoLevelInterval,
  wilson,
} from "./statistics.ts";

const ends = ({ low, high }: { low: number; high: number }) => [low, high];

it("Wilson's interval agrees with published values", () => {
  // Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
  expect(ends(wilson(81, 263)).map((v) => v.toFixed(4))).toEqual(["0.2553", "0.3662"]);
  expect(ends(wilson(15, 148)).map((v) => v.toFixed(4))).toEqual(["0.0624", "0.1605"]);
  expect(ends(wilson(0, 20)).map((v) => v.toFixed(4))).toEqual(["0.0000", "0.1611"]);
  expect(ends(wilson(1, 29)).map((v) => v.toFixed(4))).toEqual(["0.0061", "0.1718"]);
});

it("the Clopper–Pearson interval agrees with published values", () => {
  // The same table, method 5.
  expect(ends(clopperPearson(81, 263)).map((v) => v.toFixed(4))).toEqual(["0.2527", "0.3676"]);
  expect(ends(clopperPearson(15, 148)).map((v) => v.toFixed(4))).toEqual(["0.0578", "0.1617"]);
  expect(ends(clopperPearson(0, 20)).map((v) => v.toFixed(4))).toEqual(["0.0000", "0.1684"]);
  expect(ends(clopperPearson(1, 29)).map((v) => v.toFixed(4))).toEqual(["0.0009", "0.1776"]);
});

it("no observation gives the trivial interval", () => {
  expect(ends(wilson(0, 0))).toEqual([0, 1]);
  expect(ends(clopperPearson(0, 0))).toEqual([0, 1]);
  expect(ends(twoLevelInterval([], 10))).toEqual([0, 1]);
  expect(ends(meanInterval([3]))).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
});

it("quantiles of Student's t agree with printed tables", () => {
  expect(studentQuantile(0.95, 1)).toBeCloseTo(12.7062, 4);
  expect(studentQuantile(0.95, 10)).toBeCloseTo(2.228139, 6);
  expect(studentQuantile(0.99, 30)).toBeCloseTo(2.749996, 6);
  expect(studentQuantile(0.95, 1e6)).toBeCloseTo(1.959966, 6);
});

it("the interval of a mean covers it in 95 % of trials", () => {
  let covered = 0;
  for (let trial = 0; trial < 2000; trial++) {
    const { data } = normal([fold(keyOf(1), trial)], [1, 5], 2);
    const { low, high } = meanInterval([...data].map((v) => v + 3));
    if (low <= 3 && 3 <= high) covered++;
  }
  // The standard deviation of this share is 0.005.
  expect(Math.abs(covered / 2000 - 0.95)).toBeLessThan(0.025);
});

it("the two-level interval of a deterministic classifier is Wilson's", () => {
  const shares = [...Array(30).fill(1), ...Array(70).fill(0)];
  const [two, one] = [twoLevelInterval(shares, 100), wilson(30, 100)];
  expect(two.low).toBeCloseTo(one.low, 12);
  expect(two.high).toBeCloseTo(one.high, 12);
});

it("one lucky draw among a thousand examples does not narrow the interval", () => {
  const shares = [0.01, ...Array(999).fill(0)];
  expect(twoLevelInterval(shares, 100).high).toBeGreaterThan(wilson(0, 1000).high);
});

it("the two-level interval includes the variance between draws", () => {
  const { low, high } = twoLevelInterval(Array(100).fill(0.5), 2);
  // Two draws of each of 100 examples have no more information than 200 coin tosses.
  expect(high - low).toBeGreaterThan(0.9 * (wilson(100, 200).high - wilson(100, 200).low));
});

it.each([
  { draws: 2, bend: 1, atMost: 0.98 },
  { draws: 100, bend: 1, atMost: 0.98 },
  // Examples that are nearly always right: the interval may be too wide, but not too narrow.
  { draws: 20, bend: 0.1, atMost: 1 },
  { draws: 20, bend: 10, atMost: 1 },
])(
  "the two-level interval covers the accuracy: $draws draws, shares u^$bend",
  ({ draws, bend, atMost }) => {
    // Example i is classified correctly with probability uᵢ^bend, so accuracy is 1 / (1 + bend).
    let covered = 0;
    const trials = 600;
    for (let trial = 0; trial < trials; trial++) {
      const key = fold(keyOf(5), trial);
      const { data } = uniform([key], [1, 60 * (draws + 1)]);
      const shares = Array.from({ length: 60 }, (_, i) => {
        const p = data[i * (draws + 1)] ** bend;
        let right = 0;
        for (let r = 1; r <= draws; r++) if (data[i * (draws + 1) + r] < p) right++;
        return right / draws;
      });
      const { low, high } = twoLevelInterval(shares, draws);
      if (low <= 1 / (1 + bend) && 1 / (1 + bend) <= high) covered++;
    }
    // The standard deviation of this share is 0.009.
    expect(covered / trials).toBeGreaterThan(0.91);
    expect(covered / trials).toBeLessThanOrEqual(atMost);
  },
);

it("the mean of right and wrong answers is their exact share, which a threshold may equal", () => {
  for (let right = 0; right <= 32; right++) {
    const shares = Array.from({ length: 32 }, (_, i) => Number(i < right));
    expect(twoLevelInterval(shares, 1).mean).toBe(right / 32);
  }
});
