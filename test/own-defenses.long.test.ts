// Resuming a training whose defence has a loss or a procedure of its own.
import { describe, expect, it } from "vitest";
import type { LossObjective, Objective } from "../src/defenses/objective.ts";
import { memoryFiles, type RunFiles } from "../src/files/run/run-files.ts";
import type { Parameters } from "../src/models/architecture.ts";
import { latestCheckpoint } from "../src/models/opening/checkpoints.ts";
import { type Training, train } from "../src/train/train.ts";
import { awp, free, trades } from "./fixtures/own-defenses.ts";
import { toyTraining, wide } from "./fixtures/toy-training.ts";

/** A toy training whose defence has this objective. */
async function trainingOf(objective: Objective | LossObjective, rest: Partial<Training> = {}) {
  const training = await toyTraining(Object.assign({}, wide, { defense: "standard" }), rest);
  const defense = { name: objective.name, objective, noise: null, attacks: [] };
  return Object.assign({}, training, { defense });
}

const bits = (arrays: Parameters) =>
  Object.entries(arrays).map(([name, { data }]) => [
    name,
    Buffer.from(data.slice().buffer).toString("hex"),
  ]);

async function outcome(files: RunFiles) {
  const checkpoint = (await latestCheckpoint(files))?.checkpoint;
  if (checkpoint === undefined) throw new Error("no checkpoint");
  const { state, position } = checkpoint;
  return { weights: bits(state.parameters), slots: bits(state.slots), step: position.step };
}

describe.each<[string, () => LossObjective]>([
  ["TRADES", () => trades],
  ["AWP", () => awp()],
  ["free adversarial training", () => free()],
])("%s", (_, objective) => {
  it("interrupted in an epoch and at its end, and resumed, gives the bits of a whole run", async () => {
    const whole = await trainingOf(objective());
    for await (const _event of train(whole));
    let files: RunFiles | undefined;
    for (const at of [3, 5, 10]) {
      const interrupt = new AbortController();
      const given = { signal: interrupt.signal, files: files ?? memoryFiles() };
      const part = await trainingOf(objective(), given);
      for await (const event of train(part))
        if (event.event === "step" && event.step === at && at < 10) interrupt.abort();
      files = part.files;
      expect((await outcome(files)).step).toBe(at);
    }
    expect(files && (await outcome(files))).toEqual(await outcome(whole.files));
  });
});
