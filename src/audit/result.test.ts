import { describe, expect, it } from "vitest";
import { rowWith } from "../../test/fixtures/rows-fixture.ts";
import type { Row } from "../evaluate/row.ts";
import { gateFailure } from "./formats/gate.ts";
import type { Probe } from "./probe.ts";
import { auditResult } from "./result.ts";
import { auditText, auditVerdict } from "./text.ts";

const probe: Probe = {
  examples: 4,
  zeroGradients: 0,
  saturated: 0,
  constant: false,
  changes: false,
  huge: { norm: "linf", epsilon: 0.5, cleanCorrect: 0, correct: 0 },
  transfer: null,
  norms: [],
};

/** Rows of one attack in one ball, from whether each example is classified correctly, in full precision and rounded. */
const cell = (
  attack: string,
  epsilon: number,
  right: readonly number[],
  right8bit: readonly number[] = right,
  changes: Partial<Row> = {},
): Row[] =>
  right.map((correct, index) =>
    rowWith({
      attack,
      epsilon,
      norm: attack.split("-").at(-1) ?? null,
      index,
      correct,
      correctChoose: correct,
      majority: Math.round(correct),
      correct8bit: right8bit[index],
      ...changes,
    }),
  );

const resultOf = (
  rows: readonly Row[],
  attacks?: readonly string[],
  required: number | null = null,
) =>
  auditResult(
    { rows, probe, preprocessings: null, classes: 2, notes: [] },
    {
      preprocessing: "pixels in [0, 1]",
      head: [],
      budget: "standard",
      attacks: attacks ?? [...new Set(rows.map(({ attack }) => attack))],
      noise: null,
      classNames: ["a", "b"],
      required,
    },
  );

describe("accuracy after rounding to 8 bits", () => {
  it("is of each image's strongest attack after rounding, where attacks tie before it", () => {
    // Both radii break both images; rounding repairs what the smaller one did.
    const rows = [
      ...cell("apgd-ce-linf", 0.01, [0, 0], [1, 1]),
      ...cell("apgd-ce-linf", 0.03, [0, 0], [0, 0]),
    ];
    const { union8bit, norms } = resultOf(rows);
    expect(union8bit.mean).toBe(0);
    expect(norms.map(({ accuracy8bit }) => accuracy8bit.mean)).toEqual([1, 0]);
  });

  it("is at most that of each norm, whichever norm ran first", () => {
    const linf = cell("pgd-linf", 0.03, [0, 1, 1], [1, 1, 0]);
    const l2 = cell("pgd-l2", 0.8, [0, 0, 1], [0, 1, 1]);
    for (const rows of [
      [...linf, ...l2],
      [...l2, ...linf],
    ])
      expect(resultOf(rows).union8bit.mean).toBeCloseTo(1 / 3);
  });

  it("counts an image that rounding alone breaks", () => {
    const rows = [...cell("pgd-linf", 0.03, [1, 1], [0, 1]), ...cell("fgsm-linf", 0.03, [1, 1])];
    const { union, union8bit } = resultOf(rows);
    expect([union.mean, union8bit.mean]).toEqual([1, 0.5]);
  });

  it("of a randomised classifier is chosen on other draws than those that score it", () => {
    const random = { draws: 20, clean: 0.9 };
    const rows = [
      ...cell("pgd-linf", 0.03, [0.5], [0.6], { ...random, correct8bitChoose: 0.2 }),
      ...cell("fgsm-linf", 0.03, [0.4], [0.3], { ...random, correct8bitChoose: 0.7 }),
    ];
    expect(resultOf(rows).union8bit.mean).toBeCloseTo(0.6);
  });
});

describe("what breaks first", () => {
  it("is nothing where two norms leave the same", () => {
    const result = resultOf([
      ...cell("pgd-linf", 0.03, [0, 1, 1]),
      ...cell("pgd-l2", 0.8, [1, 0, 1]),
    ]);
    expect(result).toMatchObject({ breaksFirst: null, weakestNorms: ["linf", "l2"] });
    expect(auditVerdict(result)).toContain(
      "Nothing breaks first: ℓ∞ 0.03 and ℓ2 0.8 leave the same",
    );
    expect(auditVerdict(result)).not.toContain("No attack broke");
  });

  it("is a norm without one attack where two attacks of it broke as many", () => {
    const result = resultOf([
      ...cell("pgd-linf", 0.03, [0, 1, 1]),
      ...cell("fgsm-linf", 0.03, [1, 0, 1]),
      ...cell("pgd-l2", 0.8, [1, 1, 1]),
    ]);
    expect(result).toMatchObject({
      breaksFirst: null,
      weakestNorms: ["linf"],
      strongestAttacks: ["pgd-linf", "fgsm-linf"],
    });
    expect(auditVerdict(result)).toContain("pgd-linf and fgsm-linf broke 1 each");
  });

  it("is one attack where nothing ties", () => {
    const result = resultOf([
      ...cell("pgd-linf", 0.03, [0, 0, 1]),
      ...cell("pgd-l2", 0.8, [1, 0, 1]),
    ]);
    expect(result.breaksFirst).toBe("pgd-linf");
    expect(auditVerdict(result)).toContain(
      "ℓ∞ 0.03 breaks first (33.3 % left): pgd-linf alone broke 2 of the 3 images it was given",
    );
  });

  it("is nothing where nothing broke, though all norms leave the same", () => {
    const result = resultOf([...cell("pgd-linf", 0.03, [1, 1]), ...cell("pgd-l2", 0.8, [1, 1])]);
    expect(result).toMatchObject({ breaksFirst: null, weakestNorms: [], strongestAttacks: [] });
    expect(auditVerdict(result)).toContain("No attack broke any image.");
  });
});

describe("the requirement", () => {
  it("is met by a mean of shares that is below it by rounding alone", () => {
    const shares = new Array(10).fill(0.1);
    const rows = cell("pgd-linf", 0.03, shares, shares, { draws: 100 });
    expect(shares.reduce((a, b) => a + b, 0)).toBeLessThan(1);
    expect(resultOf(rows, undefined, 0.1).passed).toBe(true);
    expect(resultOf(rows, undefined, 0.1 + 1e-9).passed).toBe(false);
  });

  it("is written with the decimals that show why it is not met", () => {
    const right = Array.from({ length: 2500 }, (_, i) => Number(i < 999));
    const result = resultOf(cell("pgd-linf", 0.03, right), undefined, 0.4);
    expect(result.passed).toBe(false);
    expect(gateFailure(result)).toMatch(/^39\.96 % .* 40\.00 % are required$/);
    expect(auditVerdict(result)).toContain("Required: 40.00 %, not reached (39.96 % are right).");
    const clear = resultOf(cell("pgd-linf", 0.03, [1, 0]), undefined, 0.6);
    expect(auditVerdict(clear)).toMatch(/Required: 60\.0 %, not reached\.$/);
  });
});

describe("confusions", () => {
  it("count an image that is wrong without an attack with the class that it then gets", () => {
    const moved = { clean: 0, label: 1, prediction: 0, adversarialPrediction: 1 };
    const right = { label: 1, prediction: 1, adversarialPrediction: 1 };
    const rows = [...cell("fgsm-linf", 0.03, [1, 1], [1, 1], right)];
    Object.assign(rows[0], moved);
    const { confusions, union, classes } = resultOf(rows);
    expect(confusions.map(({ label, predicted, images }) => [label, predicted, images])).toEqual([
      [1, 0, 1],
      [1, 1, 1],
    ]);
    expect([union.mean, classes[0].union]).toEqual([0.5, 0.5]);
  });

  it("of a randomised classifier are of its most frequent answer, whatever the clean share", () => {
    const noisy = { draws: 20, clean: 0, label: 1, prediction: 0, adversarialPrediction: 1 };
    const { confusions } = resultOf(cell("pgd-linf", 0.03, [0.6], [0.6], noisy));
    expect(confusions).toMatchObject([{ label: 1, predicted: 1 }]);
  });
});

describe("unions", () => {
  const budget = ["apgd-ce-linf", "square-linf", "apgd-ce-l2", "square-l2"];
  const rows = [
    ...cell("apgd-ce-linf", 0.03, [0, 1]),
    ...cell("square-linf", 0.03, [0, 1]).slice(1),
    ...cell("apgd-ce-l2", 0.8, [0, 0]), // leaves nothing for square-l2
  ];

  it("are one per norm and radius and one over norms, whatever was left for an attack to do", () => {
    const { unions } = resultOf(rows, budget);
    expect(unions.map(({ name, attacks, accuracy }) => [name, attacks, accuracy.mean])).toEqual([
      ["linf@0.03", budget.slice(0, 2), 0.5],
      ["l2@0.8", budget.slice(2), 0],
      ["linf@0.03+l2@0.8", budget, 0],
    ]);
  });

  it("say on the terminal which norms and radii they are of", () => {
    const text = auditText(resultOf(rows, budget));
    for (const label of [
      "all attacks in ℓ∞ 0.03 ",
      "all attacks in ℓ2 0.8 ",
      "union of all attacks in ℓ∞ 0.03 or ℓ2 0.8",
    ])
      expect(text).toContain(label);
  });
});
