// Defences with a loss or a procedure of their own, on a device that keeps the weights.
import { expect, it } from "vitest";
import type { LossObjective } from "../src/defenses/objective.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import type { Runtime } from "../src/engine/runtime/runtime.ts";
import { keyOf, keysFor } from "../src/math/random.ts";
import { architecture } from "../src/models/architectures.ts";
import { initialParameters } from "../src/models/initial.ts";
import { trainableClassifier } from "../src/models/trainable-classifier.ts";
import { batchTrainer } from "../src/train/batch-trainer.ts";
import { sgd } from "../src/train/optimizer.ts";
import { initialState } from "../src/train/train-step.ts";
import { withDeviceMemory } from "./fixtures/device-memory.ts";
import { awp, free, trades } from "./fixtures/own-defenses.ts";
import { stripes } from "./fixtures/toy-training.ts";

const data = stripes();
const network = architecture("mlp-small", { ...data, classes: 3 });
const optimizer = sgd({ momentum: 0.9, weightDecay: 5e-4 });

/** What three batches leave, and their losses. */
async function trained(runtime: Runtime, objective: LossObjective) {
  const defense = { name: objective.name, objective, noise: null, attacks: [] };
  const state = initialState(network, optimizer, initialParameters(network));
  const start = { batchSize: 4, state, isResumed: false };
  const trainer = await batchTrainer({ runtime, architecture: network, defense }, optimizer, start);
  const victim = trainableClassifier(runtime, network, () => trainer.parameters(), "frozen");
  const losses: number[] = [];
  for (const first of [0, 4, 8]) {
    const indices = [0, 1, 2, 3].map((i) => first + i);
    const keys = keysFor(keyOf(3), indices);
    const batch = {
      x: data.train.images(indices),
      labels: indices.map((i) => data.train.labels[i]),
      objectiveKeys: keys,
      dropoutKeys: keys,
    };
    const { loss } = await trainer.train({
      batch,
      rate: 0.1,
      victim,
      progress: { step: 0, steps: 1 },
      begin: () => {},
    });
    losses.push(loss);
  }
  const { parameters, slots } = await trainer.state();
  await Promise.all([trainer.release(), victim.release()]);
  return { losses, parameters, slots };
}

it.each([
  ["TRADES, several passes per loss", () => trades],
  ["AWP, replaced parameters", () => awp()],
  ["free adversarial training, several steps per batch", () => free()],
])("%s, ends with the bits of the host, and leaves nothing on the device", async (_, objective) => {
  const host = await nodeRuntime({ threads: 1 });
  const device = withDeviceMemory(host);
  expect(await trained(device, objective())).toEqual(await trained(host, objective()));
  expect(device.live()).toBe(0);
});
