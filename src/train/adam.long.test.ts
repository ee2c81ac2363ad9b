import { expect, it } from "vitest";
import { toyTraining } from "../../test/fixtures/toy-training.ts";
import { defenseNamed } from "../defenses/table.ts";
import { withWeightPerturbation } from "../defenses/weight-perturbation.ts";
import { latestCheckpoint } from "../models/opening/checkpoints.ts";
import type { TrainOptions } from "./options.ts";
import { type Training, train } from "./train.ts";

const standard = defenseNamed("standard");

it.each<[string, TrainOptions, Partial<Training>]>([
  ["alone", {}, {}],
  ["with an exponential average", { ema: 0.9 }, {}],
  ["with an equal average", { swa: 0 }, {}],
  ["with perturbed weights", {}, { defense: withWeightPerturbation(standard, 0.005) }],
  ["with a defence that keeps a memory", {}, { defense: defenseNamed("free-at") }],
])(
  "training with Adam %s, interrupted and resumed, ends with the same bits",
  async (_, given, rest) => {
    const options = {
      ...given,
      defense: "standard",
      recipe: "certified",
      augment: "none",
    } as const;
    const ends = async (stopAt: number) => {
      const interrupt = new AbortController();
      const part = await toyTraining(options, { ...rest, signal: interrupt.signal });
      for await (const event of train(part))
        if (event.event === "step" && event.step === stopAt) interrupt.abort();
      for await (const _ of train(await toyTraining(options, { ...rest, files: part.files })));
      return (await latestCheckpoint(part.files))?.checkpoint;
    };
    const [one, other] = [await ends(10), await ends(3)];
    expect(one?.position.step).toBe(10);
    expect(other?.state).toEqual(one?.state);
    expect(Object.keys(one?.state.slots ?? {})).toContain("squares/fc.weight");
  },
);
