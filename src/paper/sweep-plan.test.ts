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
