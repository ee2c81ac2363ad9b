import { describe, expect, it } from "vitest";
import { combinationsOf, parsePlan } from "../sweep/plan/grid.ts";
import { evaluationsOf } from "./cells.ts";
import { thirteen } from "./printed.ts";
import { scales } from "./scales.ts";
import { sweepPlan } from "./sweep-plan.ts";

const size = { scale: scales.small, seed: 3, share: 0.5 };
const runtime = { device: "cpu", threads: 2 };

describe("the plan of table 4", () => {
  const plan = parsePlan("table4", JSON.stringify(sweepPlan("table4", size, runtime)));

  it("trains the thirteen defences with the options of the scale", () => {
    const trainings = combinationsOf("train", plan.train[0], "p");
    expect(trainings.map(({ options }) => options.defense)).toEqual(thirteen);
    expect(trainings[0].options).toMatchObject({ model: "wrn-10-1", epochs: 3, seed: 3 });
    expect(plan).toMatchObject({ device: "cpu", threads: 2 });
  });

  it.each(["at-linf", "ni-normal"])("evaluates %s as the reproduction does", (defense) => {
    const steps = plan.evaluate.filter(({ where }) => where.defense.includes(defense));
    const options = steps.flatMap((step) =>
      combinationsOf("evaluate", step, "p").map((one) => one.options),
    );
    const { share, seed } = size;
    const asked = evaluationsOf("table4", defense, scales.small, { share, seed });
    expect(options).toEqual(asked.map((one) => one.options));
  });
});

describe("the plan of table 4 at scale medium", () => {
  const medium = { scale: scales.medium, seed: 0, share: 1 };
  const plan = parsePlan("table4", JSON.stringify(sweepPlan("table4", medium, runtime)));
  const stepsOn = (kind: "train" | "evaluate" | "prove" | "certify", defense: string) =>
    plan[kind].filter(({ where, grid }) =>
      [where, grid].some((one) => one.defense?.[0] === defense),
    );

  it("gives all thirteen the same images, kind by kind", () => {
    const counts = thirteen.map((defense) =>
      stepsOn("evaluate", defense).map(({ options }) => options.examples ?? 1000),
    );
    for (const count of counts) expect(count).toEqual([500, 200, 100, 50]);
  });

  it("runs AutoAttack's standard version on deterministic models, and rand with 20 draws on others", () => {
    expect(stepsOn("evaluate", "mat-max")[1].options.attacks).toEqual([
      "autoattack-linf",
      "autoattack-l2",
    ]);
    expect(stepsOn("evaluate", "mni-mix")[1].options).toMatchObject({
      attacks: ["autoattack-linf-rand", "autoattack-l2-rand"],
      eot: [20],
      objective: "mean-loss",
    });
  });

  it("proves deterministic models, and certifies those whose noise is normal", () => {
    expect(plan.prove.map(({ where }) => where.defense[0])).toEqual(thirteen.slice(0, 5));
    expect(plan.certify.map(({ where }) => where.defense[0])).toEqual([
      "ni-normal",
      "rat-linf-normal",
      "rat-l2-normal",
    ]);
    expect(plan.certify[0].options).toMatchObject({ sequential: true, target: 0.83 });
  });

  it("finishes a defence before the next one, and names each training and evaluation once", () => {
    const all = [...plan.train, ...plan.evaluate, ...plan.prove, ...plan.certify];
    expect(all.every(({ priority }) => priority > 0)).toBe(true);
    expect(new Set(scales.medium.order).size).toBe(2 * thirteen.length);
    const [evaluated] = stepsOn("evaluate", "standard");
    expect(stepsOn("train", "standard")[0].priority).toBeGreaterThan(evaluated.priority);
    expect(evaluated.priority).toBeGreaterThan(stepsOn("train", "at-linf")[0].priority);
  });
});

it("only tables of trainings and evaluations have a plan, and only of what is asked for", () => {
  expect(() => sweepPlan("figure1", size, runtime)).toThrow("figure1 has no plan");
  const some = sweepPlan(
    "table4",
    { ...size, defenses: ["ni-normal"], kinds: ["sound"] },
    runtime,
  ) as { train: { grid: object }[]; evaluate: object[] };
  expect(some.train[0].grid).toEqual({ defense: ["ni-normal"] });
  expect(some.evaluate).toHaveLength(1);
});
