import { expect, it } from "vitest";
import { evaluationOptions } from "../attack-options.ts";
import { AuditOptions } from "../options.ts";
import { testsPerImage } from "./break-tests.ts";

const noise = "normal:0.25";
/** The tests per image of an audit under noise, from the attacks that it plans. */
const testsOf = (given: object): number => {
  const options = AuditOptions.parse(Object.assign({ noise }, given));
  const { attacks } = evaluationOptions(options, 10, noise);
  return testsPerImage({ attacks, options });
};

it("counts the clean image, and every attack at every radius of its norm, each radius once", () => {
  const quick = { budget: "quick", norms: ["l2"] };
  // FGSM, APGD-CE, APGD-DLR and Square.
  expect(testsOf(Object.assign({ epsilonL2: [0.5] }, quick))).toBe(5);
  expect(testsOf(Object.assign({ epsilonL2: [0.5, 0.25, 0.5] }, quick))).toBe(9);
  expect(testsOf(Object.assign({ epsilonLinf: [0.1, 0.2] }, quick))).toBe(5);
});

it("counts AutoAttack for randomised models, whose name does not end with its norm", () => {
  const budget = "autoattack";
  expect(testsOf({ budget, norms: ["linf", "l2"] })).toBe(3);
  expect(testsOf({ budget, norms: ["linf", "l2"], epsilonLinf: [0.01, 0.02, 0.03] })).toBe(5);
});

it("counts attacks in ℓ0, whose images may lie in balls of other norms", () => {
  const options = { budget: "quick", norms: ["l1"], epsilonL1: [12] };
  // σ-zero and Sparse-RS.
  expect(testsOf(Object.assign({ epsilonL0: [1, 3] }, options))).toBe(testsOf(options) + 4);
});

it("counts an attack without a known norm at as many radii as any norm has", () => {
  const options = AuditOptions.parse({ epsilonLinf: [0.1, 0.2, 0.3] });
  expect(testsPerImage({ attacks: ["mine"], options })).toBe(4);
});
