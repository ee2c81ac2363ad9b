import { describe, expect, it } from "vitest";
import { defenseNamed } from "../../defenses/table.ts";
import { evaluateSchema } from "../../evaluate/options.ts";
import { noiseNamed } from "../../noise/table.ts";
import { evaluationFlops, trainingFlops } from "./cost.ts";

/** A forward pass costs 1, a gradient 1,000 and a training step a million: the total shows how many there are of each. */
const flops = { forward: 1, gradient: 1e3, step: 1e6 };

describe("the cost of an evaluation", () => {
  const costOf = (attack: string, given: Readonly<Record<string, number>>) =>
    evaluationFlops(
      evaluateSchema().parse({ ...given, attacks: [attack] }),
      { images: 1, randomised: false },
      flops,
    );

  it.each<[string, Readonly<Record<string, number>>, number, number]>([
    ["none", {}, 0, 0],
    ["pgd-linf", { steps: 20, restarts: 3 }, 60, 0],
    ["apgd-ce-linf", { apgdSteps: 50 }, 50, 0],
    ["apgd-t-linf", { apgdSteps: 50 }, 9 * 50, 0],
    ["square-linf", { squareQueries: 300 }, 0, 300],
    ["fab-t-l2", { fabSteps: 40 }, 9 * 40, 0],
    // APGD-CE, APGD-T and FAB-T, then Square.
    ["autoattack-linf", { apgdSteps: 10, fabSteps: 7, squareQueries: 30 }, 10 + 90 + 63, 30],
    ["autoattack-l1", { apgdSteps: 10, fabSteps: 7, squareQueries: 30 }, 50 + 50 + 63, 30],
    // 30 steps; 60 in quarters with 9, 3, 2 and 1 ascents; 100 with 9, 6, 3 and 1; and the first point of each ascent.
    ["adaptive-linf", { apgdSteps: 100 }, 30 + 15 * 15 + 25 * 19, 5000],
  ])("counts the passes of %s", (attack, options, gradients, forwards) => {
    // One more forward pass tests the result.
    expect(costOf(attack, options)).toBe(gradients * flops.gradient + forwards + 1);
  });
});

describe("the cost of a training", () => {
  const costOf = (name: string, options: { readonly noise?: string }) => {
    const defense = defenseNamed(name, options, noiseNamed);
    return trainingFlops(defense, { epochs: 2, examples: 10 }, flops) / 20;
  };

  it.each<[string, number, number]>([
    ["standard", 1, 0],
    ["at-linf", 1, 10],
    ["mat-max", 1, 20],
    ["mat-rand", 1, 10],
    ["e-at", 1, 10],
    ["msd", 1, 10],
    ["trades-l2", 1, 10],
    ["fast-at-linf", 1, 1],
    ["free-at", 8, 0],
    ["consistency", 2, 0],
    ["smoothadv", 2, 4],
  ])("counts the steps of %s and of its attacks", (name, steps, gradients) => {
    const noise = ["consistency", "smoothadv"].includes(name) ? { noise: "normal:0.25" } : {};
    expect(costOf(name, noise)).toBe(steps * flops.step + gradients * flops.gradient);
  });
});
