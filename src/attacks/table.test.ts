import { expect, it } from "vitest";
import { UsageError } from "../math/usage-error.ts";
import { attackNamed, attackNames, minimalAttackNamed, minimalAttackNames } from "./table.ts";

it.each(attackNames)("%s is the name of the attack it makes, in the norm that ends it", (name) => {
  const attack = attackNamed(name);
  expect(attack.name).toBe(name);
  expect(name.replace(/-rand$/, "").endsWith(`-${attack.norm}`)).toBe(true);
  expect(attack.epsilon).toBe({ linf: 0.031, l2: 0.83, l1: 12, l0: 10 }[attack.norm]);
});

it.each([
  [{ epsilonLinf: 8 }, "epsilon is 8, but pixels are in [0, 1]; did you mean 8/255?"],
  [{ epsilonLinf: 0 }, "epsilonLinf is 0, but it must be more than 0"],
  [{ epsilonL2: -1 }, "epsilonL2 is -1, but it must be more than 0"],
  [{ steps: 1.5 }, "steps is 1.5, but it must be a whole number"],
  [{ step: 3 }, 'unknown option "step"; did you mean steps?'],
])("options %o are the user's to fix", (options, message) => {
  const attempt = () => attackNamed("pgd-linf", options as Record<string, number>);
  expect(attempt).toThrow(UsageError);
  expect(attempt).toThrow(message);
});

it("an unknown name is answered with the nearest, also one that every object has", () => {
  expect(() => attackNamed("pgd-lnf")).toThrow("unknown attack pgd-lnf; did you mean pgd-linf?");
  expect(() => attackNamed("constructor")).toThrow(UsageError);
});

it.each(minimalAttackNames)(
  "%s is the name of the attack it makes, which has no radius",
  (name) => {
    const attack = minimalAttackNamed(name);
    expect(attack.name).toBe(name);
    expect(name.endsWith(attack.norm)).toBe(true);
    expect(attack.epsilon).toBe(null);
    expect(attackNames).not.toContain(name);
  },
);

it("options of C&W arrive by their own names, and the user can fix them", () => {
  const options = {
    cwSteps: 5,
    cwSearches: 4,
    cwLearningRate: 0.3,
    cwInitialConstant: 2,
    cwConfidence: 1,
    cwAbortEarly: false,
  };
  expect(minimalAttackNamed("cw-l2", options).options).toEqual({
    steps: 5,
    searches: 4,
    learningRate: 0.3,
    initialConstant: 2,
    confidence: 1,
    abortEarly: false,
  });
  expect(() => minimalAttackNamed("cw-l2", { cwSteps: 0 })).toThrow(UsageError);
  expect(() => minimalAttackNamed("cw-l1")).toThrow("unknown attack cw-l1; did you mean cw-l2?");
});
