import { describe, expect, it } from "vitest";
import { rowWith } from "../../test/fixtures/rows-fixture.ts";
import type { Row } from "../evaluate/row.ts";
import {
  chance,
  constantPredictor,
  oneClass,
  otherDecision,
  otherPreprocessing,
  permutedClasses,
} from "./answer-diagnostics.ts";
import {
  blackBoxWins,
  hugeEpsilon,
  lostByRounding,
  moreStepsHurt,
  noiseBreaks,
  randomisedWithoutEot,
  transferWins,
} from "./attack-diagnostics.ts";
import { diagnose } from "./diagnostics.ts";
import { saturatedSoftmax, straightThrough, zeroGradients } from "./gradient-diagnostics.ts";
import type { Probe, ProbedNorm } from "./probe.ts";

const usual: ProbedNorm = {
  norm: "linf",
  epsilon: 0.031,
  cleanCorrect: 30,
  underNoise: 30,
  fewSteps: 12,
  manySteps: 10,
};
const probe: Probe = {
  examples: 32,
  zeroGradients: 0,
  saturated: 0,
  constant: false,
  changes: false,
  norms: [usual],
  huge: { norm: "linf", epsilon: 0.5, cleanCorrect: 30, correct: 0 },
  transfer: {
    norm: "linf",
    epsilon: 0.031,
    cleanCorrect: 30,
    correct: 12,
    whiteBox: 10,
  },
};
const usualFacts = { probe, preprocessings: null, classes: 10, notes: [] };
const probeWith = (changes: Partial<Probe>) => ({ probe: { ...probe, ...changes } });
const withNorm = (changes: Partial<ProbedNorm>) => probeWith({ norms: [{ ...usual, ...changes }] });
const many = (count: number, of: (i: number) => Partial<Row>): Row[] =>
  Array.from({ length: count }, (_, index) => rowWith({ index, ...of(index) }));
const right = many(40, (i) => ({
  label: i % 10,
  prediction: i % 10,
  correct: 1,
  correctChoose: 1,
}));

describe("a diagnostic", () => {
  it("is silent about an audit in which nothing is odd", () => {
    expect(diagnose({ rows: right, ...usualFacts })).toEqual([]);
  });

  it("of chance fires up to three deviations above guessing, and not above", () => {
    // 0.1 + 3 √(0.09 / 40) = 0.2423: 9 of 40 are inside, 10 are not.
    const rows = (hits: number) => many(40, (i) => ({ clean: i < hits ? 1 : 0 }));
    expect(chance({ rows: rows(9), classes: 10 })).toMatchObject({
      code: "chance",
      severity: "invalid",
    });
    expect(chance({ rows: rows(10), classes: 10 })).toBeNull();
  });

  it("of a constant predictor makes the audit invalid, and explains an accuracy of chance", () => {
    const constant = probeWith({ constant: true });
    expect(constantPredictor(constant)).toMatchObject({
      code: "constant-predictor",
      severity: "invalid",
    });
    expect(constantPredictor({ probe })).toBeNull();
    const rows = many(40, (i) => ({ label: i % 10, prediction: 0, clean: i % 10 === 0 ? 1 : 0 }));
    const codes = diagnose(Object.assign({}, usualFacts, constant, { rows })).map(
      ({ code }) => code,
    );
    expect(codes).toEqual(["constant-predictor"]);
  });

  it("of one class needs 20 images of several labels", () => {
    const rows = (count: number, labels: number, odd = 0) =>
      many(count, (i) => ({ label: i % labels, prediction: i < odd ? 1 : 0 }));
    expect(oneClass({ rows: rows(20, 2) })).toMatchObject({
      code: "one-class",
      severity: "warning",
    });
    expect(oneClass({ rows: rows(19, 2) })).toBeNull();
    expect(oneClass({ rows: rows(20, 1) })).toBeNull();
    expect(oneClass({ rows: rows(20, 2, 1) })).toBeNull();
  });

  it("of preprocessing fires from a tenth of the images on, and explains an accuracy of chance", () => {
    const compared = (correct: number) => ({
      preprocessings: { name: "--scale 255", examples: 64, correct, correctAsDeclared: 40 },
      classes: 10,
    });
    expect(otherPreprocessing(compared(47))?.text).toContain("and 47 with --scale 255");
    expect(otherPreprocessing(compared(46))).toBeNull();
    const rows = many(40, () => ({ clean: 0 }));
    const facts = Object.assign({}, usualFacts, compared(60), { rows });
    const codes = diagnose(facts).map(({ code }) => code);
    expect(codes).toEqual(["other-preprocessing"]);
  });

  it("of permuted classes names the order, and then chance says nothing", () => {
    const rows = many(60, (i) => ({ label: i % 10, prediction: 9 - (i % 10), clean: 0 }));
    const found = permutedClasses({ rows, classes: 10 });
    expect(found?.text).toContain("60 would be if the outputs are in reverse order");
    expect(permutedClasses({ rows: right, classes: 10 })).toBeNull();
    const codes = diagnose({ rows, ...usualFacts }).map(({ code }) => code);
    expect(codes).toEqual(["permuted-classes"]);
    const classNames = Array.from({ length: 10 }, (_, i) => `class-${"abcdefghij"[i]}`);
    expect(permutedClasses({ rows, classes: 10, classNames })?.text).toContain(
      "reverse order: class-a is output 9 (class-j), class-b is output 8 (class-i), ",
    );
    const numbers = classNames.map((_, i) => String(i));
    expect(permutedClasses({ rows, classes: 10, classNames: numbers })).toEqual(found);
  });

  it("of preprocessing offers none that guessing would match", () => {
    const compared = (correct: number) => ({
      preprocessings: { name: "--scale 255", examples: 64, correct, correctAsDeclared: 0 },
      classes: 4,
    });
    // A quarter of 64 images, and three standard deviations: 26.4.
    expect(otherPreprocessing(compared(26))).toBeNull();
    expect(otherPreprocessing(compared(27))).not.toBeNull();
  });

  it("of order and preprocessing is the one that gets more images right", () => {
    const rows = many(60, (i) => ({ label: i % 10, prediction: 9 - (i % 10), clean: 0 }));
    const codesWith = (correct: number) =>
      diagnose(
        Object.assign({}, usualFacts, {
          rows,
          preprocessings: { name: "--scale 255", examples: 60, correct, correctAsDeclared: 0 },
        }),
      ).map(({ code }) => code);
    expect(codesWith(40)).toEqual(["permuted-classes"]);
    const half = many(60, (i) => ({
      label: i % 10,
      prediction: i < 30 ? 9 - (i % 10) : (i + 3) % 10,
      clean: 0,
    }));
    const codes = diagnose(
      Object.assign({}, usualFacts, {
        rows: half,
        preprocessings: { name: "--scale 255", examples: 60, correct: 58, correctAsDeclared: 0 },
      }),
    ).map(({ code }) => code);
    expect(codes).toEqual(["other-preprocessing"]);
  });

  it.each([
    ["zero gradients", zeroGradients, { zeroGradients: 2 }, { zeroGradients: 1 }],
    ["a saturated softmax", saturatedSoftmax, { saturated: 7 }, { saturated: 6 }],
    [
      "a huge radius",
      hugeEpsilon,
      { huge: { ...probe.huge, correct: 2 } },
      { huge: { ...probe.huge, correct: 1 } },
    ],
  ])("of %s counts examples of the probe", (_, diagnostic, fires, silent) => {
    expect(diagnostic(probeWith(fires))).not.toBeNull();
    expect(diagnostic(probeWith(silent))).toBeNull();
  });

  it("of noise compares it with the attack", () => {
    // APGD breaks 20; noise must break 16 of them.
    expect(noiseBreaks(withNorm({ underNoise: 14 }))?.code).toBe("noise-breaks");
    expect(noiseBreaks(withNorm({ underNoise: 15 }))).toBeNull();
    expect(noiseBreaks(withNorm({ underNoise: 30, manySteps: 30 }))).toBeNull();
  });

  it("of more steps needs two examples more", () => {
    expect(moreStepsHurt(withNorm({ fewSteps: 8 }))?.code).toBe("more-steps-help");
    expect(moreStepsHurt(withNorm({ fewSteps: 9 }))).toBeNull();
  });

  it("of a winning black box counts what no attack with gradients broke", () => {
    const attacks = (square: number, white: number) => [
      ...many(20, (i) => ({ attack: "apgd-ce-linf", correctChoose: i < white ? 0 : 1 })),
      ...many(20, (i) => ({ attack: "square-linf", correctChoose: i < square ? 0 : 1 })),
    ];
    expect(blackBoxWins({ rows: attacks(7, 5) })?.text).toContain("broke 2 images");
    expect(blackBoxWins({ rows: attacks(6, 5) })).toBeNull();
    expect(blackBoxWins({ rows: attacks(5, 20) })).toBeNull();
    const twoNorms = attacks(6, 5).flatMap((row) => [
      row,
      { ...row, attack: row.attack.replace("linf", "l2"), norm: "l2" as const },
    ]);
    expect(blackBoxWins({ rows: twoNorms })).toBeNull();
    const ensemble = many(20, (i) => ({
      attack: "adaptive-linf",
      objective: i < 2 ? "square-linf" : "apgd-pm-linf",
      correctChoose: i < 7 ? 0 : 1,
    }));
    expect(blackBoxWins({ rows: ensemble })?.text).toContain("broke 2 images");
    const wrong = attacks(7, 5).map((row) => ({ ...row, clean: 0 }));
    expect(blackBoxWins({ rows: wrong })).toBeNull();
  });

  it("of transfer compares what a copy's attack leaves with what the network's own does", () => {
    const copy = (correct: number) =>
      transferWins({
        rows: many(1, () => ({})),
        ...probeWith({
          transfer: { norm: "linf", epsilon: 0.031, cleanCorrect: 30, correct, whiteBox: 15 },
        }),
      });
    expect(copy(12)?.text).toContain("leaves 12 of 30 images right at ℓ∞ 0.031");
    expect(copy(13)).toBeNull();
  });

  it("of transfer hears of a randomised classifier's worst examples", () => {
    const rows = (from: number) =>
      many(40, (i) => ({ draws: 100, objective: i < from ? "transfer" : "mean-loss" }));
    expect(transferWins({ rows: rows(8), probe })?.text).toContain("8 of 40 worst examples");
    expect(transferWins({ rows: rows(7), probe })).toBeNull();
    expect(transferWins({ rows: rows(40), probe })).toBeNull(); // it was the only objective
  });

  it("of rounding counts adversarial examples that are right at 8 bits", () => {
    const rows = (lost: number) => many(20, (i) => ({ correct8bit: i < lost ? 1 : 0 }));
    expect(lostByRounding({ rows: rows(2) })?.text).toContain("2 of 20");
    expect(lostByRounding({ rows: rows(1) })).toBeNull();
  });

  it("of randomness hears of it from the network and from the rows", () => {
    const random = { ...rowWith({ draws: 100 }) };
    expect(randomisedWithoutEot({ rows: [random], probe })?.text).toContain("a single draw");
    expect(randomisedWithoutEot({ rows: [{ ...random, eot: 16 }], probe })).toBeNull();
    expect(randomisedWithoutEot({ rows: right, ...probeWith({ changes: true }) })?.text).toContain(
      "draws random numbers itself",
    );
  });

  it("of approximate gradients repeats the importer", () => {
    const text = "Round is differentiated straight through";
    expect(straightThrough({ notes: [{ code: "straight-through", text }] })?.text).toBe(text);
    expect(straightThrough({ notes: [{ code: "zero-gradient", text }] })).toBeNull();
  });
});

describe("other-decision", () => {
  const same = { images: 8, ties: 0, undecided: 0, others: [] };

  it.each([
    ["nothing where both agree", same, undefined],
    ["a warning where the output ties", { ...same, ties: 2 }, "warning"],
    ["a warning where the output is NaN", { ...same, undecided: 1 }, "warning"],
    ["invalid where the file answers another class", { ...same, ties: 2, others: [5] }, "invalid"],
  ] as const)("is %s", (_, decisions, severity) => {
    expect(otherDecision(decisions)?.severity).toBe(severity);
  });
});

describe("a softmax that is saturated on nearly all images", () => {
  const found = {
    examples: 100,
    saturated: 98,
    medianMargin: 812.34,
    calmer: { name: "--scale 255", correct: 97, saturated: 3 },
    correctAsDeclared: 90,
  };

  it("is a warning with a preprocessing that explains it", () => {
    const diagnostic = saturatedSoftmax({ probe, saturation: found });
    expect(diagnostic).toMatchObject({ code: "saturated-softmax", severity: "warning" });
    expect(diagnostic?.text).toContain("98 of 100 images (median distance 812)");
    expect(diagnostic?.text).toContain("with --scale 255 97 images are correct instead of 90");
  });

  it("is a warning with what to check if no usual preprocessing explains it", () => {
    const saturation = Object.assign({}, found, { calmer: null });
    const diagnostic = saturatedSoftmax({ probe, saturation });
    expect(diagnostic?.severity).toBe("warning");
    expect(diagnostic?.advice).toContain("check --scale, --mean and --std");
  });
});
