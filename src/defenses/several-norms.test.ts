import { expect, test } from "vitest";
import { attacksInNorms, SeveralNorms } from "./several-norms.ts";

const stepSizes = (options: object) =>
  attacksInNorms(SeveralNorms.parse(options)).map((attack) => attack.options.stepSize);

test("ten steps are a fifth of the radius long each, as in PGD elsewhere", () => {
  expect(stepSizes({ steps: 10, epsilonLinf: 0.031, epsilonL2: 0.83 })).toEqual([
    0.031 / 5,
    0.83 / 5,
  ]);
});

test("a few steps are longer, so that they reach the boundary of the ball", () => {
  expect(stepSizes({ steps: 2, epsilonLinf: 0.031, epsilonL2: 0.83 })).toEqual([0.031, 0.83]);
  expect(stepSizes({ steps: 1, epsilonLinf: 0.04, epsilonL2: 0.8 })).toEqual([0.05, 1]);
});
