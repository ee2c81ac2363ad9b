import { expect, it } from "vitest";
import { auditAttacks, plannedOptions } from "./plan.ts";

const size = { norms: ["linf", "l1"], budget: "standard", classes: 10, randomised: false } as const;

it("the standard budget is the adaptive attack, and autoattack the published one", () => {
  expect(auditAttacks(size)).toEqual(["adaptive-linf", "adaptive-l1"]);
  const published = Object.assign({}, size, { budget: "autoattack" });
  expect(auditAttacks(published)).toEqual(["autoattack-linf", "autoattack-l1"]);
  expect(plannedOptions(published)).toMatchObject({
    apgdSteps: 100,
    fabSteps: 100,
    squareQueries: 5000,
  });
});

it("under noise no attack stops at the first wrong answer", () => {
  const standard = Object.assign({}, size, { randomised: true, norms: ["l2"] });
  expect(auditAttacks(standard)).toEqual(["apgd-ce-l2", "apgd-t-l2", "fab-t-l2", "square-l2"]);
  const published = Object.assign({}, standard, { budget: "autoattack" });
  expect(auditAttacks(published)).toEqual(["autoattack-l2-rand"]);
});

it("APGD-DLR replaces APGD-T below four classes, once", () => {
  const few = Object.assign({}, size, { norms: ["l1"], budget: "full", classes: 3 });
  const names = auditAttacks(few);
  expect(names.filter((name) => name.startsWith("apgd"))).toEqual([
    "apgd-ce-l1",
    "apgd-dlr-l1",
    "apgd-pm-l1",
  ]);
});
