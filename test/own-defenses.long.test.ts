// Defences with a loss or a procedure of their own on a network with batch norms and dropout, and resuming their trainings.
import { describe, expect, it } from "vitest";
import type { LossObjective, Objective } from "../src/defenses/objective.ts";
import { memoryFiles, type RunFiles } from "../src/files/run/run-files.ts";
import type { Parameters } from "../src/models/architecture.ts";
import { latestCheckpoint } from "../src/models/opening/checkpoints.ts";
import { train } from "../src/train/train.ts";
import { awp, free, trades } from "./fixtures/own-defenses.ts";
import { awpBothWays, batches, trainingOf } from "./fixtures/own-training.ts";

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

describe("with batch norms", () => {
  it("the clean pass of TRADES alone updates running statistics", async () => {
    const clean: Objective = { name: "clean", examples: async (_, x) => x };
    const [of, plain] = [
      await batches(trades, 1, { rate: 0 }),
      await batches(clean, 1, { rate: 0 }),
    ];
    const statistics = of.architecture.parameters.filter(({ trainable }) => !trainable);
    expect(statistics.length).toBeGreaterThan(0);
    for (const { name } of statistics) {
      const [a, b, before] = [of.state, plain.state, of.initial].map(
        (s) => s.parameters[name].data,
      );
      a.forEach((v, i) => {
        expect(v).toBeCloseTo(b[i], 6);
      });
      expect(a).not.toEqual(before);
    }
  });

  it("AWP around a defence takes the steps of AWP written as one procedure", async () => {
    const { ours, written, without } = await awpBothWays();
    expect(ours).toEqual(written);
    expect(ours).not.toEqual(without);
  });
});
