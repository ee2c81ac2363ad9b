import { expect, test } from "vitest";
import { fgsm } from "../attacks/fgsm.ts";
import type { BoundedAttack } from "../attacks/victim.ts";
import { defenseNamed, defenses } from "../defenses/table.ts";
import { withWeightPerturbation } from "../defenses/weight-perturbation.ts";
import { resolveOptions } from "./options.ts";
import { isOneStep, validationAttacks } from "./validation.ts";

const options = resolveOptions({ model: "mlp-small", data: "shapes", defense: "e-at" }, "none");

test("a checkpoint is chosen by attacks of at least ten steps, however few the defence takes", () => {
  const settings = {
    steps: 2,
    epsilonLinf: 0.05,
    epsilonL2: 0.5,
    epsilonL1: 6,
    norms: "linf,l2,l1",
  };
  const attacks = validationAttacks(defenseNamed("e-at", settings), options);
  expect(attacks.map(({ name, epsilon, options: { steps } }) => [name, epsilon, steps])).toEqual([
    ["pgd-linf", 0.05, 10],
    ["pgd-l2", 0.5, 10],
    ["apgd-ce-l1", 6, 10],
  ]);
  expect(attacks[0].options.stepSize).toBe(0.01);
});

test("longer attacks, and attacks of the defence's own, choose a checkpoint as they are", () => {
  const long = defenseNamed("e-at", { steps: 20 });
  expect(validationAttacks(long, options)).toEqual(long.attacks);
  const own = { ...long.attacks[0], name: "mine", options: { steps: 1 } } satisfies BoundedAttack;
  expect(validationAttacks({ ...long, attacks: [own] }, options)).toEqual([own]);
});

test("a defence without attacks is checked in the norms that it trains in, within its own radii", () => {
  const checked = (name: string, settings: object) =>
    validationAttacks(defenseNamed(name, settings), options).map((one) => [one.name, one.epsilon]);
  expect(checked("msd", { epsilonL2: 0.4 })).toEqual([
    ["pgd-linf", 0.031],
    ["pgd-l2", 0.4],
  ]);
  expect(checked("msd", { norms: "l1,linf" })).toEqual([
    ["pgd-linf", 0.031],
    ["apgd-ce-l1", 12],
  ]);
  expect(checked("fast-at-l2", { epsilonL2: 0.3 })).toEqual([["pgd-l2", 0.3]]);
  expect(checked("ni-normal", {})).toEqual([]);
});

/** The defences whose inner attack takes as many steps as `steps` says; `smoothadv` attacks under noise in no fixed norm. */
const stepped = defenses.all
  .filter((one) => one.sharedOptions.steps === "steps")
  .map(({ name }) => name);

test("every defence whose inner attack is asked for one step is watched by PGD-5 in its norms", () => {
  expect(stepped).toEqual(
    expect.arrayContaining(["at-linf", "rat-l2-normal", "mat-max", "trades-l2", "mart-linf"]),
  );
  expect(stepped).toEqual(expect.arrayContaining(["avg", "max", "msd", "e-at", "ramp"]));
  for (const name of stepped) {
    const [one, two] = [1, 2].map((steps) => defenseNamed(name, { steps }));
    expect([name, isOneStep(one), isOneStep(two)]).toEqual([name, true, false]);
    const attacks = validationAttacks(one, options);
    expect(attacks.map(({ name: attack }) => attack)).toEqual(
      validationAttacks(two, options).map(({ name: attack }) => attack),
    );
    for (const { options: own } of attacks) expect([name, own.steps]).toEqual([name, 5]);
  }
  expect(isOneStep(defenseNamed("free-at"))).toBe(true);
});

test("the attack that watches reaches twice the radius, also for a defence of FGSM or of an attack from outside", () => {
  const [weak] = defenseNamed("at-linf", { steps: 1, stepSize: 0.001, epsilonLinf: 0.05 }).attacks;
  const fast = defenseNamed("fast-at-linf");
  const by = (more: object) =>
    validationAttacks(Object.assign({}, fast, more), options).map((one) => [
      one.name,
      one.epsilon,
      one.options.steps,
      one.options.stepSize,
    ]);
  expect(by({ attacks: [weak] })).toEqual([["pgd-linf", 0.05, 5, 0.02]]);
  expect(by({ attacks: [fgsm({ norm: "l2", epsilon: 0.5 })] })).toEqual([["pgd-l2", 0.5, 5, 0.2]]);
  const own = Object.assign({}, weak, { name: "mine" });
  expect(by({ attacks: [own] })).toEqual([
    ["mine", 0.05, 1, 0.001],
    ["pgd-linf", 0.05, 5, 0.02],
  ]);
});

test("attacks of one step are watched whether the defence replaces examples or has a loss", () => {
  const fast = defenseNamed("fast-at-linf");
  const loss = { ...fast, objective: { name: "own loss", oneStep: true } };
  const watched = [fast, withWeightPerturbation(fast, 0.005), loss, defenseNamed("at-linf")];
  expect(watched.map(isOneStep)).toEqual([true, true, true, false]);
});
