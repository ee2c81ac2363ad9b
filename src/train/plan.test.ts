import { expect, it } from "vitest";
import { stripes, toyOptions } from "../../test/fixtures/toy-training.ts";
import { replacesExamples } from "../defenses/objective.ts";
import { type Defense, defenseNamed } from "../defenses/table.ts";
import type { Key } from "../math/random.ts";
import type { Shape } from "../math/tensor.ts";
import { resolveOptions, type TrainOptions } from "./options.ts";
import { planOf, settledStep } from "./plan.ts";

it("prefetches for the defence exactly the keys of the next batch", async () => {
  const prefetched: { keys: readonly Key[]; shape: Shape }[] = [];
  const given: typeof prefetched = [];
  const defense: Defense = {
    name: "noted",
    noise: null,
    attacks: [],
    objective: {
      name: "noted",
      prefetch: (keys, shape) => void prefetched.push({ keys, shape }),
      async examples(_, x, _labels, keys) {
        given.push({ keys, shape: x.shape });
        return x;
      },
    },
  };
  const plan = planOf(resolveOptions(toyOptions), stripes(), defense);
  const never = () => Promise.reject(new Error("asked the network"));
  const victim = { logits: never, lossAndGradient: never };
  const order = plan.order(1);
  for (const stepInEpoch of [0, 3, 4]) {
    const position = { step: 0, epoch: 1, stepInEpoch, lossSum: 0, correct: 0, seconds: 0 };
    plan.prefetch(position, order);
    const { x, labels, objectiveKeys } = plan.batchAt(position, order);
    if (replacesExamples(defense.objective))
      await defense.objective.examples(victim, x, labels, objectiveKeys);
  }
  expect(given).toHaveLength(3);
  expect(prefetched).toEqual(given);
  // After the last step of an epoch, the next batch depends on another order.
  plan.prefetch({ epoch: 1, stepInEpoch: plan.stepsPerEpoch }, order);
  expect(prefetched).toHaveLength(3);
});

it("has settled at the highest rate, and once the radii have grown", () => {
  const settled = (given: TrainOptions) => {
    const options = resolveOptions(Object.assign({}, toyOptions, { epochs: 8 }, given));
    return settledStep(planOf(options, stripes(), defenseNamed("standard")), options);
  };
  // 40 steps; one cycle rises over the first quarter.
  expect(settled({})).toBe(9);
  expect(settled({ schedule: "constant" })).toBe(0);
  expect(settled({ schedule: "multi-step" })).toBe(0);
  expect(settled({ epsilonWarmup: 0.3 })).toBe(12);
  expect(settled({ epsilonWarmup: 0.01 })).toBe(9);
});
