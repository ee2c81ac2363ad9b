import { describe, expect, it } from "vitest";
import { rowWith as row } from "../../test/fixtures/rows-fixture.ts";
import { atRadius, regionsOf, table2, table3 } from "./regions.ts";

const radii = { linf: 0.031, l2: 0.83 };
const at = (linf: number, l2: number, more: object = {}) => row({ linf, l2, ...more });
const cw = (more: object) => row({ attack: "cw-l2", norm: "l2", epsilon: null, ...more });

describe("the place of a perturbation", () => {
  it("is one of four, and shares sum to 1", () => {
    const { regions, examples } = regionsOf(
      [at(0.01, 0.2), at(0.2, 0.8), at(0.031, 1.7), at(0.3, 2), at(0.3, 2)],
      radii,
    );
    const shares = Object.values(regions).map(({ mean }) => mean);
    expect(shares).toEqual([0.2, 0.2, 0.2, 0.4]);
    expect(examples).toBe(5);
  });

  it("is inside on the sphere, up to float32 rounding, and outside beyond", () => {
    const of = (linf: number, l2: number) => regionsOf([at(linf, l2)], radii).regions;
    expect(of(Math.fround(0.031), 0.83000004).both.mean).toBe(1);
    expect(of(0.0311, 0.5).l2Only.mean).toBe(1);
    expect(of(0.02, 0.831).linfOnly.mean).toBe(1);
  });
});

it("Table 2 counts all examples of the attack, broken or not", () => {
  const rows = [
    row({ attack: "pgd-l2", linf: 0.07, l2: 0.83, correct: 1 }),
    row({ attack: "pgd-l2", linf: 0.07, l2: 0.83, correct: 0 }),
    row({ attack: "pgd-linf", linf: 0.031, l2: 1.6, correct: 0 }),
  ];
  const [column, other] = table2({ standard: rows }, radii);
  expect(column).toMatchObject({ attack: "pgd-l2", examples: 2, accuracy: { mean: 0.5 } });
  expect(column.printed?.meanLinf).toBe(0.075);
  expect(other).toMatchObject({
    attack: "pgd-linf",
    examples: 1,
    regions: { linfOnly: { mean: 1 } },
  });
});

describe("Table 3", () => {
  const rows = [
    cw({ index: 0, clean: 1, correct: 0, linf: 0.01, l2: 0.2 }),
    cw({ index: 1, clean: 1, correct: 0, linf: 0.2, l2: 0.6 }),
    cw({ index: 2, clean: 1, correct: 0, linf: 0.3, l2: 1.5 }),
    cw({ index: 3, clean: 1, correct: 1, linf: 0, l2: 0 }),
    cw({ index: 4, clean: 0, correct: 0, linf: 0, l2: 0 }),
  ];
  const [column] = table3({ standard: rows }, radii);

  it("leaves out images that needed no attack, and those where nothing was found", () => {
    expect(column).toMatchObject({ examples: 3, misclassified: 1, unbroken: 1 });
    expect(column.regions.both.mean).toBeCloseTo(1 / 3, 12);
  });

  it("says what is left within the ball beside what is left without a bound", () => {
    expect(column.accuracy.mean).toBeCloseTo(1 / 5, 12);
    expect(column.accuracyInL2.mean).toBeCloseTo(2 / 5, 12);
  });

  it("counts an example beyond the radius as the clean image", () => {
    const bounded = atRadius(rows, 0.5);
    expect(bounded.map(({ correct }) => correct)).toEqual([0, 1, 1, 1, 0]);
    expect(bounded.map(({ l2 }) => l2)).toEqual([0.2, 0, 0, 0, 0]);
    expect(new Set(bounded.map(({ epsilon }) => epsilon))).toEqual(new Set([0.5]));
  });
});
