// What an evaluation makes of the attacks of the table, on a classifier whose margins are known.
import { describe, expect, it } from "vitest";
import { brightness, brightnessData } from "../../test/fixtures/brightness.ts";
import { attackNames, isForDeterministic, minimalAttackNames } from "../attacks/table.ts";
import { noiseNamed } from "../noise/table.ts";
import { checkOptions } from "./check.ts";
import { scoreAttacks } from "./evaluate.ts";
import { EvaluateOptions, resolved } from "./options.ts";
import type { Row } from "./row.ts";
import { runsOf } from "./runs.ts";
import { differences, type Settings } from "./settings.ts";

const data = await brightnessData();
/** How far the mean of the image's 4 equal pixels is from the boundary: its distance is this in ℓ∞, 2 of it in ℓ2, 4 in ℓ1. */
const margin = (index: number) =>
  Math.abs(data.test.images([index]).data.reduce((sum, v) => sum + v, 0) / 4 - 0.5);

async function rowsOf(options: Partial<EvaluateOptions>, noise: string | null = null) {
  const rows: Row[] = [];
  const evaluated = {
    model: "brightness",
    defense: "standard",
    network: brightness,
    noise: noise === null ? null : noiseNamed(noise),
  };
  for await (const { row } of scoreAttacks(evaluated, data, EvaluateOptions.parse(options)))
    rows.push(row);
  return rows;
}

const radii = { epsilonLinf: [0.1], epsilonL2: [0.2], epsilonL1: [0.4] };
const effort = { apgdSteps: 20, squareQueries: 300, fabSteps: 10 };
/** One pixel at a time meets the edge of the box; windows of a hill and a valley need more than 2 × 2 pixels. */
const cannotReach = /^fgsm-l1|^square-l[12]/;

// Distances in ℓ0 are those of l0.test.ts.
const inNorms = [...attackNames, ...minimalAttackNames].filter((name) => !name.endsWith("-l0"));

it.each(inNorms)(
  "%s breaks the images well inside the radius, and none beyond it",
  async (name) => {
    const rows = await rowsOf({ ...radii, ...effort, attacks: [name], cwLearningRate: 0.05 });
    expect(rows.length).toBe(data.test.size);
    for (const { index, correct, attack, restarts, steps } of rows) {
      expect(attack).toBe(name);
      expect(restarts > 0 && steps > 0).toBe(true);
      if (margin(index) > 0.1001) expect(correct, `margin ${margin(index)}`).toBe(1);
      else if (margin(index) < 0.09 && !cannotReach.test(name))
        expect(correct, `margin ${margin(index)}`).toBe(0);
    }
  },
);

it("says which loss was climbed, and of an ensemble which member broke the image", async () => {
  const objectives = async (name: string) => {
    const rows = await rowsOf({ ...radii, ...effort, attacks: [name] });
    return [...new Set(rows.map(({ objective }) => objective))].sort();
  };
  expect(await objectives("apgd-ce-linf")).toEqual(["ce"]);
  expect(await objectives("apgd-t-l2")).toEqual(["dlr"]);
  expect(await objectives("square-l1")).toEqual(["margin"]);
  expect(await objectives("fab-t-linf")).toEqual(["margin"]);
  expect(await objectives("autoattack-linf")).toEqual(["apgd-ce-linf", "unbroken"]);
});

describe("a randomised model", () => {
  it.each(["apgd-ce-linf", "apgd-dlr-l2", "apgd-t-l1", "square-linf", "autoattack-linf-rand"])(
    "is attacked by %s with every objective that makes sense, to the end",
    async (name) => {
      const tried = { ...radii, apgdSteps: 5, squareQueries: 10, draws: 20, eot: [2] };
      const rows = await rowsOf({ ...tried, attacks: [name], examples: 4 }, "uniform:0.1");
      const allowed = ["mean-loss", "mean-logits", "mean-probability", "fixed-noise", "transfer"];
      for (const { objective } of rows) expect(allowed).toContain(objective);
      expect(rows.length).toBe(4);
    },
  );

  const check = (options: Partial<EvaluateOptions>) => () =>
    checkOptions(EvaluateOptions.parse({ ...radii, ...options }), {
      randomised: true,
      shape: [1, 2, 2],
    });

  it("does not matter for attacks that stop at one wrong answer", () => {
    expect(attackNames.filter(isForDeterministic).toSorted()).toEqual(
      ["adaptive", "autoattack"].flatMap((name) => ["l1", "l2", "linf"].map((n) => `${name}-${n}`)),
    );
    expect(check({ attacks: ["adaptive-l1"] })).toThrow("leave it out");
    expect(check({ attacks: ["autoattack-l2"] })).toThrow("use autoattack-l2-rand");
    expect(check({ attacks: ["autoattack-l2-rand"] })).not.toThrow();
  });

  it("has a mean probability only for those that climb a cross-entropy", () => {
    const objective = "mean-probability";
    expect(check({ attacks: ["apgd-dlr-linf"], objective })).toThrow(
      "apgd-dlr-linf does not climb",
    );
    expect(check({ attacks: ["apgd-ce-linf", "fgsm-l2", "cw-l2"], objective })).not.toThrow();
  });
});

it("EOT is 20 by default where all attacks are AutoAttack's for randomised models", () => {
  const eot = (attacks: string[]) => resolved(EvaluateOptions.parse({ attacks })).eot;
  expect(eot(["autoattack-linf-rand", "autoattack-l2-rand", "none"])).toEqual([20]);
  expect(eot(["autoattack-linf-rand", "pgd-linf"])).toEqual([16]);
  expect(eot(["none", "pgd-linf"])).toEqual([16]);
});

it("rows name the effort of the attack itself, and every radius of its norm", () => {
  const runs = (name: string, more: Partial<EvaluateOptions> = {}) =>
    runsOf(resolved(EvaluateOptions.parse({ attacks: [name], ...more })), {
      randomised: false,
    }).map(({ radii, steps, restarts }) => ({ radii, steps, restarts }));
  expect(runs("square-l1", { epsilonL1: [6, 12] })).toEqual([
    { radii: [6], steps: 5000, restarts: 1 },
    { radii: [12], steps: 5000, restarts: 1 },
  ]);
  expect(runs("autoattack-l1")).toEqual([{ radii: [12], steps: 100, restarts: 5 }]);
  expect(runs("apgd-ce-l2", { restarts: 3 })).toEqual([{ radii: [0.83], steps: 100, restarts: 3 }]);
  expect(runs("fgsm-linf")).toEqual([{ radii: [0.031], steps: 1, restarts: 1 }]);
  expect(runs("ddn-l2", { ddnSteps: 7 })).toEqual([{ radii: [0.83], steps: 7, restarts: 1 }]);
  expect(runs("fab-t-l1", { epsilonL1: [6, 12] })[0].radii).toEqual([6, 12]);
});

it("a file older than an option goes on where the option has its default", () => {
  const settings = (options: Record<string, unknown>) =>
    ({ model: {}, data: "d", options }) as unknown as Settings;
  const now = settings({ ...EvaluateOptions.parse({}) });
  const { epsilonL1: _, apgdSteps: __, ...older } = EvaluateOptions.parse({});
  expect(differences(now, settings(older))).toBeNull();
  const other = settings({ ...EvaluateOptions.parse({ epsilonL1: [6] }) });
  expect(differences(other, settings(older))).toEqual({
    before: "epsilonL1 [12]",
    now: "epsilonL1 [6]",
  });
});
