import { describe, expect, it } from "vitest";
import { openShapes } from "../data/shapes.ts";
import { defenseNamed } from "../defenses/table.ts";
import {
  defensesOf,
  evaluationKinds,
  evaluationPasses,
  evaluationsOf,
  type Kind,
  trainingPasses,
} from "./cells.ts";
import { secondsOf, spoken, sumOf } from "./cost.ts";
import { planOf, rowsExpected } from "./plan.ts";
import { thirteen } from "./printed.ts";
import { scales } from "./scales.ts";

const whole = { share: 1, seed: 0 };
const cells = (defense: string) => evaluationsOf("table4", defense, scales.small, whole);

describe("the small scale", () => {
  it("trains all thirteen on real CIFAR-10", () => {
    expect(defensesOf("table4")).toEqual(thirteen);
    expect(scales.small.training).toMatchObject({ data: "cifar10", model: "wrn-10-1" });
  });

  it("gives randomised models both protocols, C&W with EOT 16 and 80, and a sweep of K", () => {
    const of = Object.fromEntries(cells("rat-linf-uniform").map((one) => [one.kind, one.options]));
    expect(of.sound).toMatchObject({ protocol: "sound", eot: [16], examples: 1000 });
    expect(of.sound.objective).toBeUndefined(); // which is worst
    expect(of.cw).toMatchObject({ attacks: ["cw-l2"], eot: [16], examples: 200 });
    expect(of.published).toMatchObject({ protocol: "published", eot: [80], examples: 50 });
    expect(of.sweep).toMatchObject({ eot: [1, 4, 16, 64], examples: 100 });
  });

  it("runs C&W once on a deterministic model, without a bound", () => {
    expect(cells("mat-max").map(({ kind }) => kind)).toEqual(["published"]);
    expect(cells("mat-max")[0].options.attacks).toEqual(["none", "pgd-linf", "pgd-l2", "cw-l2"]);
  });

  it("is the same for tables 2, 3 and 4 where they need the same rows", () => {
    for (const table of ["table2", "table3"] as const)
      expect(evaluationsOf(table, "standard", scales.small, whole)).toEqual(cells("standard"));
  });

  it("takes a share of the images, but never none", () => {
    const tenth = evaluationsOf("table4", "ni-normal", scales.small, { share: 0.001, seed: 0 });
    expect(tenth.map(({ options }) => options.examples)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe("the cost", () => {
  const size = { epochs: 2, examples: 100 };
  const gradients = (name: string) => trainingPasses(defenseNamed(name), size).gradients;

  it("of training is a step per example, and the attacks inside it", () => {
    expect(trainingPasses(defenseNamed("standard"), size)).toEqual({
      forwards: 0,
      gradients: 0,
      steps: 200,
    });
    expect(gradients("at-linf")).toBe(2000);
    expect(gradients("ni-uniform")).toBe(0);
    expect(gradients("mat-rand")).toBe(2000);
    expect(gradients("mat-max")).toBe(2 * 2000 + 2 * 200);
  });

  it("of PGD is its steps, times the draws, times the objectives", () => {
    const cost = (defense: string, kind: string) => {
      const cell = cells(defense).find((one) => one.kind === kind);
      if (cell === undefined) throw new Error(kind);
      return evaluationPasses(cell).gradients / cell.options.examples;
    };
    expect(cost("at-l2", "published")).toBe(2 * 20 + 540);
    expect(cost("ni-normal", "sound")).toBe(2 * 20 * 16 * 4);
    expect(cost("ni-normal", "cw")).toBe(540 * 16);
    expect(cost("ni-normal", "sweep")).toBe(2 * 20 * (1 + 4 + 16 + 64));
    expect(cost("ni-normal", "natural")).toBe(0);
  });

  it("is operations over the machine's rates", () => {
    const flops = { forward: 1, gradient: 2, step: 3 };
    const passes = sumOf([
      { forwards: 4, gradients: 1, steps: 0 },
      { forwards: 0, gradients: 0, steps: 10 },
    ]);
    expect(secondsOf(passes, flops, { gradient: 2, step: 6 })).toBe(3 + 5);
  });

  it("is said as people say it", () => {
    expect([5, 600, 11_400, 30 * 86_400].map(spoken)).toEqual([
      "≈ 5 s",
      "≈ 10 min",
      "≈ 3 h 10 min",
      "≈ 30 days",
    ]);
  });
});

it("a sweep ends with a row for each K, natural accuracy with one", () => {
  const rows = Object.fromEntries(
    cells("ni-normal").map((one) => [one.kind, rowsExpected(one, 10_000)]),
  );
  expect(rows).toEqual({ natural: 1000, sound: 2000, cw: 200, published: 150, sweep: 800 });
  expect(rowsExpected(cells("ni-normal")[0], 300)).toBe(300);
});

describe("a plan", () => {
  const dataset = openShapes();
  const size = { scale: scales.smoke, seed: 0, share: 1, defenses: ["at-linf", "ni-normal"] };
  const kindsOf = (kinds?: Kind[]) =>
    planOf("table4", { ...size, kinds }, dataset).cells.map(({ kind }) => kind);

  it("has the kinds of evaluation that are asked for, and all of them otherwise", () => {
    expect(kindsOf(["cw", "sweep"])).toEqual(["cw", "sweep"]); // at-linf has neither
    expect(new Set(kindsOf())).toEqual(
      new Set(evaluationKinds.filter((kind) => kind !== "autoattack")), // of medium only
    );
  });
});
