import { expect, it } from "vitest";
import { stripes, toyOptions } from "../../test/fixtures/toy-training.ts";
import { replacesExamples } from "../defenses/objective.ts";
import type { Defense } from "../defenses/table.ts";
import type { Key } from "../math/random.ts";
import type { Shape } from "../math/tensor.ts";
import { resolveOptions } from "./options.ts";
import { planOf } from "./plan.ts";

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
