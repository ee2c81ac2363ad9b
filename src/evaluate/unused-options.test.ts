import { expect, it } from "vitest";
import { evaluateSchema } from "./options.ts";
import { unusedOptions } from "./unused-options.ts";

/** The options that are listed of an evaluation by these attacks. */
const used = (attacks: readonly string[], isRandomised = false): string[] => {
  const unused = unusedOptions(attacks, isRandomised);
  return Object.keys(evaluateSchema().shape).filter((name) => !unused.includes(name));
};

const always = ["attacks", "examples", "protocol", "skipBroken", "onlyStanding", "batch", "seed"];

it("an attack's own options are listed only with it, and a radius only with its norm", () => {
  expect(used(["apgd-ce-linf", "square-linf"]).toSorted()).toEqual(
    [...always, "epsilonLinf", "apgdSteps", "squareQueries", "restarts"]
      .filter((name) => name !== "restarts" || used(["apgd-ce-linf"]).includes("restarts"))
      .toSorted(),
  );
  expect(used(["pgd-linf"])).not.toContain("pgdTSteps");
  expect(used(["pgd-t-l2"])).toContain("pgdTSteps");
  expect(used(["cw-l2"])).toContain("cwLearningRate");
  expect(used(["cw-l2"])).not.toContain("epsilonLinf");
});

it("options of noise are listed of a classifier under noise only", () => {
  expect(used(["pgd-l2"], true)).toContain("eot");
  expect(used(["pgd-l2"])).not.toContain("eot");
});

it("an attack that a caller passes may read every radius", () => {
  expect(used(["mine"])).toEqual(expect.arrayContaining(["epsilonLinf", "epsilonL1"]));
});
