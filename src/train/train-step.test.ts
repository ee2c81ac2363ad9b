import { expect, it } from "vitest";
import { toyTraining, wide } from "../../test/fixtures/toy-training.ts";
import { keyOf } from "../math/random.ts";
import { initialParameters } from "../models/initial.ts";
import { sgd } from "./optimizer.ts";
import { compileStep, initialState } from "./train-step.ts";

it("a step at rate 0 changes running statistics and momentum but no weight", async () => {
  const { runtime, architecture, dataset } = await toyTraining(wide);
  const optimizer = sgd({ momentum: 0.9, weightDecay: 0 });
  const before = initialState(architecture, optimizer, initialParameters(architecture));
  const step = await compileStep(runtime, architecture, optimizer, 4);
  const labels = [0, 1, 2, 0];
  const keys = labels.map((_, i) => keyOf(i));
  const x = dataset.train.images([0, 1, 2, 3]);
  const { state, loss, correct } = await step.run(before, { x, labels, keys }, 0);
  await step.release();

  expect(loss).toBeGreaterThan(0);
  expect([0, 1, 2, 3, 4]).toContain(correct);
  for (const { name, trainable } of architecture.parameters) {
    const same = state.parameters[name].data.every((v, i) => v === before.parameters[name].data[i]);
    expect(same, name).toBe(trainable);
    if (trainable) expect(state.slots[`momentum/${name}`].data.some((v) => v !== 0)).toBe(true);
  }
});
