import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { uniform } from "../math/distributions.ts";
import { fold, keyOf } from "../math/random.ts";
import { mean, wilson } from "../math/statistics.ts";
import type { Row } from "./row.ts";
import { rightInAll, summarize } from "./summary.ts";
import { worstRows } from "./union.ts";

const row = (index: number, attack: string, given: Partial<Row> = {}): Row => ({
  model: "m",
  defense: "standard",
  data: "d",
  index,
  label: index % 2,
  attack,
  prediction: 0,
  adversarialPrediction: 0,
  norm: attack.slice(4),
  epsilon: 0.1,
  objective: "ce",
  eot: 1,
  restarts: 1,
  steps: 10,
  protocol: "sound",
  rule: "single",
  seed: 0,
  clean: 1,
  correct: 1,
  correctChoose: given.correct ?? 1,
  majority: 1,
  correct8bit: given.correct ?? 1,
  oneDraw: null,
  linf: 0.1,
  l2: 1,
  l1: 2,
  draws: 1,
  queries: 20,
  seconds: 1,
  ...given,
});

/** One row per number, which is whether the example was right. */
const cell = (attack: string, correct: readonly number[], given: Partial<Row> = {}) =>
  correct.map((share, index) => row(index, attack, { correct: share, ...given }));

describe("a summary", () => {
  // By hand: pgd-linf leaves 0, 1, 2; pgd-l2 leaves 2, 3; only 2 survives both.
  const linf = cell("pgd-linf", [1, 1, 1, 0, 0, 0]);
  const l2 = cell("pgd-l2", [0, 0, 1, 1, 0, 0]);

  it("of two attacks counts for the union what survives both, not the worse mean", () => {
    const { clean, attacks, unions, examples } = summarize([...linf, ...l2]);
    expect(examples).toBe(6);
    expect(clean).toEqual(wilson(6, 6));
    expect(attacks.map(({ attack }) => attack)).toEqual(["pgd-linf", "pgd-l2"]);
    expect(attacks.map(({ accuracy }) => accuracy.mean)).toEqual([1 / 2, 1 / 3]);
    expect(attacks[0].accuracy.low).toBeCloseTo(wilson(3, 6).low, 12);
    expect(unions).toHaveLength(1);
    expect(unions[0]).toMatchObject({ examples: 6, minOfMeans: 1 / 3, union: { mean: 1 / 6 } });
    expect(unions[0].union.high).toBeCloseTo(wilson(1, 6).high, 12);
  });

  it("lists the class that suffers most first", () => {
    // Even labels are right on 2 of 3 under ℓ∞, on 1 of 3 under both; odd ones on none.
    const { classes } = summarize([...linf, ...l2]);
    expect(classes.map(({ label, union }) => [label, union])).toEqual([
      [1, 0],
      [0, 1 / 3],
    ]);
  });

  it("takes only examples that every attack has finished, for union and means alike", () => {
    const { unions, attacks } = summarize([...linf, ...l2.slice(0, 3)]);
    expect(attacks.map(({ examples }) => examples)).toEqual([6, 3]);
    expect(unions[0]).toMatchObject({ examples: 3, minOfMeans: 1 / 3, union: { mean: 1 / 3 } });
    // On image 2 alone both are always right, though pgd-linf is not on the others.
    const one = summarize([...linf, ...l2.slice(2, 3)]).unions[0];
    expect(one).toMatchObject({ examples: 1, minOfMeans: 1, union: { mean: 1 } });
  });

  it("of clean rows alone is the natural accuracy", () => {
    const none = { norm: null, epsilon: null, clean: 0.25, draws: 4, rule: "single" };
    const summary = summarize(cell("none", [1, 0], none));
    expect(summary).toMatchObject({ clean: { mean: 0.25 }, attacks: [], unions: [] });
    expect(summary.classes.map(({ union }) => union)).toEqual([null, null]);
  });

  it("joins curves radius by radius, and a single radius with each of them", () => {
    const curve = [0.2, 0.1].flatMap((epsilon) =>
      cell("pgd-linf", [epsilon === 0.1 ? 1 : 0, 1], { epsilon }),
    );
    const { unions } = summarize([...curve, ...cell("pgd-l2", [1, 1], { epsilon: 0.5 })]);
    expect(unions.map(({ attacks }) => attacks.map(({ epsilon }) => epsilon))).toEqual([
      [0.1, 0.5],
      [0.2, 0.5],
    ]);
    expect(unions.map(({ union }) => union.mean)).toEqual([1, 0.5]);
  });

  it("joins lists of different lengths at their largest radii only", () => {
    const many = (attack: string, radii: number[]) =>
      radii.flatMap((epsilon) => cell(attack, [1], { epsilon }));
    const { unions } = summarize([...many("pgd-linf", [1, 2, 3]), ...many("pgd-l2", [4, 5])]);
    expect(unions.map(({ attacks }) => attacks.map(({ epsilon }) => epsilon))).toEqual([[3, 5]]);
  });

  it("of a randomised model is wider than its examples alone would say, if its draws are few", () => {
    const of = (draws: number) =>
      summarize(cell("pgd-linf", Array(50).fill(0.5), { draws })).attacks[0].accuracy;
    const width = (draws: number) => of(draws).high - of(draws).low;
    expect(width(4)).toBeGreaterThan(1.5 * width(100));
    // Eight draws in groups of two are as few predictions as four draws.
    const paired = summarize(cell("pgd-linf", Array(50).fill(0.5), { draws: 8, rule: "mean:2" }));
    expect(paired.attacks[0].accuracy).toEqual(of(4));
  });
});

describe("several numbers of EOT draws", () => {
  const sweep = [1, 4, 16].flatMap((eot) =>
    cell("pgd-linf", [1, eot < 4 ? 1 : 0, eot < 16 ? 1 : 0, 0], { eot, draws: 20 }),
  );
  const other = cell("pgd-l2", [0, 1, 1, 1], { eot: 16, draws: 20 });

  it("count with the largest alone: one line per attack, one union", () => {
    const { attacks, unions } = summarize([...sweep, ...other]);
    expect(attacks.map(({ attack, eot, accuracy }) => [attack, eot, accuracy.mean])).toEqual([
      ["pgd-linf", 16, 0.25],
      ["pgd-l2", 16, 0.75],
    ]);
    expect(unions).toHaveLength(1);
    // Right under pgd-linf at 16 draws is image 0 alone, which pgd-l2 breaks.
    expect(unions[0].union.mean).toBe(0);
    expect(unions[0].minOfMeans).toBe(0.25);
  });

  it("make a curve per attack that has several", () => {
    const { eotCurves: curves } = summarize([...sweep, ...other]);
    expect(curves).toHaveLength(1);
    expect(curves[0].points.map(({ eot, accuracy }) => [eot, accuracy.mean])).toEqual([
      [1, 0.75],
      [4, 0.5],
      [16, 0.25],
    ]);
  });
});

describe("the published protocol", () => {
  const published = { protocol: "published" } as const;

  it("has the min of means for its headline, and one noisy draw beside each accuracy", () => {
    const summary = summarize([
      ...cell("pgd-linf", [1, 0, 0, 0], published).map((one, i) => ({ ...one, oneDraw: i % 2 })),
      ...cell("none", [1, 1, 1, 1], { ...published, epsilon: null }).map((one, i) => ({
        ...one,
        oneDraw: i === 0 ? 0 : 1,
      })),
    ]);
    expect(summary).toMatchObject({ headline: "min of means", randomised: true, draws: 1 });
    expect(summary.attacks[0].oneDraw).toEqual(wilson(2, 4));
    expect(summary.cleanOneDraw).toEqual(wilson(3, 4));
    const sound = summarize(cell("pgd-linf", [1, 0]));
    expect(sound).toMatchObject({ headline: "union", randomised: false, cleanOneDraw: null });
    expect(sound.attacks[0].oneDraw).toBeNull();
  });

  it("never shares a union with the sound one", () => {
    const both = [...cell("pgd-linf", [1]), ...cell("pgd-l2", [0], published)];
    expect(() => summarize(both)).toThrow("rows of two protocols");
  });
});

describe("the union", () => {
  const bits = fc.array(fc.constantFrom(0, 1), { minLength: 5, maxLength: 5 });

  it("of a deterministic model is at most the min of means, and equal to it for one attack", () => {
    fc.assert(
      fc.property(fc.array(bits, { minLength: 1, maxLength: 4 }), (attacks) => {
        const { unions } = summarize(attacks.flatMap((shares, i) => cell(`pgd-${i}`, shares)));
        expect(unions[0].union.mean).toBeLessThanOrEqual(unions[0].minOfMeans + 1e-12);
        if (attacks.length === 1) expect(unions[0].union.mean).toBeCloseTo(unions[0].minOfMeans);
      }),
    );
  });

  it("has no bias, where choosing and scoring on the same draws would have", () => {
    // Four attacks leave every example a coin toss: the truth is ½ however one chooses.
    const [examples, draws] = [500, 10];
    const toss = (index: number, attack: number, half: number) => {
      const key = [index, attack, half].reduce(fold, keyOf(8));
      return mean(Array.from(uniform([key], [1, draws]).data, (u) => (u < 0.5 ? 1 : 0)));
    };
    const cells = [0, 1, 2, 3].map((attack) =>
      Array.from({ length: examples }, (_, index) =>
        row(index, `pgd-${attack}`, {
          draws: 2 * draws,
          correctChoose: toss(index, attack, 0),
          correct: toss(index, attack, 1),
        }),
      ),
    );
    const { union } = summarize(cells.flat()).unions[0];
    // The standard deviation of the mean is 0.007, so this fails by chance once in 10⁴ keys.
    expect(Math.abs(union.mean - 0.5)).toBeLessThan(0.028);
    const sameDraws = mean(worstRows(cells).map(({ correctChoose }) => correctChoose));
    expect(sameDraws).toBeLessThan(0.37);
  });
});

describe("right in all of 10 tries", () => {
  it("is the share itself for a deterministic classifier", () => {
    expect([rightInAll(0, 1), rightInAll(1, 1)]).toEqual([0, 1]);
  });

  it("has no bias: its mean over binomial counts is p¹⁰", () => {
    const [m, p] = [20, 0.8];
    let [expected, weight] = [0, (1 - p) ** m];
    for (let right = 0; right <= m; right++) {
      expected += weight * rightInAll(right / m, m);
      weight *= ((m - right) / (right + 1)) * (p / (1 - p));
    }
    expect(expected).toBeCloseTo(p ** 10, 12);
  });

  it("of fewer than 10 predictions is a power of the share", () => {
    expect(rightInAll(0.5, 4)).toBe(0.5 ** 10);
  });
});
