// Runs that stop before their last epoch: catastrophic overfitting, and clean accuracy that falls too far.
import { expect, it } from "vitest";
import { stripes, toyTraining } from "../../test/fixtures/toy-training.ts";
import type { Labels } from "../attacks/victim.ts";
import { withValidation } from "../data/validation-split.ts";
import { freeAt } from "../defenses/free-at.ts";
import type { LossObjective } from "../defenses/objective.ts";
import { type Defense, defenseNamed } from "../defenses/table.ts";
import { memoryFiles } from "../files/run/run-files.ts";
import { keyOf } from "../math/random.ts";
import { type Tensor, takeRows } from "../math/tensor.ts";
import type { Architecture } from "../models/architecture.ts";
import type { Checkpoint } from "../models/opening/checkpoint.ts";
import { chosenCheckpoint, latestCheckpoint } from "../models/opening/checkpoints.ts";
import type { TrainEvent } from "./events.ts";
import { type Training, train } from "./train.ts";

async function events(training: Training): Promise<TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of train(training)) all.push(event);
  return all;
}

/** Images of other classes than the labels say. */
function ofOthers(x: Tensor, labels: Labels): Tensor {
  const other = Array.from(labels, (label, i) => {
    const found = Array.from(labels).findIndex((one) => one !== label);
    return found < 0 ? i : found;
  });
  return takeRows(x, other);
}

/** A one-step defence that trains on clean images for 60 batches, and then on images of other classes. */
function collapsing(): Defense {
  let batches = 0;
  return {
    name: "collapsing",
    noise: null,
    attacks: [],
    options: { epsilonLinf: 0.01 },
    objective: {
      name: "collapsing",
      oneStep: true,
      examples: async (_, x, labels) => (++batches <= 60 ? x : ofOthers(x, labels)),
    },
  };
}

/** `free-at`, which is given the same images. */
function collapsingFree(): Defense {
  const free = freeAt({ replays: 1, epsilonLinf: 0.01 });
  const { train: onBatch = async () => undefined } = free.objective as LossObjective;
  const train: LossObjective["train"] = (batch) => {
    const { x, labels, progress } = batch;
    const images = progress.step < 60 ? x : ofOthers(x, labels);
    return onBatch(Object.assign({}, batch, { x: images }));
  };
  return Object.assign({}, free, { objective: Object.assign({}, free.objective, { train }) });
}

it.each([
  ["replace examples", collapsing],
  ["are those of free-at", collapsingFree],
])(
  "a run whose one-step attacks overfit stops at once and goes back to its best checkpoint if they %s",
  async (_, make) => {
    const { dataset, validation } = withValidation(stripes(88), 40, keyOf(3));
    const finished: number[] = [];
    const training = await toyTraining(
      { defense: "standard", epochs: 40, augment: "none", epsilonLinf: 0.01 },
      {
        dataset,
        validation,
        defense: make(),
        finish: async ({ position }) => void finished.push(position.step),
      },
    );
    const all = await events(training);
    const checks = all.filter((event) => event.event === "validation");
    const stopped = all.find((event) => event.event === "stopped");
    const chosen = await chosenCheckpoint(training.files);
    const best = Math.max(...checks.map(({ robust }) => robust));
    expect(best).toBeGreaterThan(0.7);
    expect(stopped).toMatchObject({ reason: "overfitting" });
    expect(Number(stopped?.step)).toBeGreaterThan(60);
    expect(Number(stopped?.step)).toBeLessThan(6 * 40);
    expect(checks.find(({ step }) => step === finished[0])?.robust).toBe(best);
    expect(chosen?.checkpoint.position.step).toBe(finished[0]);

    // Its position is saved, so that a resumed run only ends again.
    const again = await events(training);
    expect(again.filter(({ event }) => event === "step" || event === "validation")).toEqual([]);
    expect(again.find((event) => event.event === "stopped")).toEqual(stopped);
    expect(finished[1]).toBe(finished[0]);
  },
);

/** A network with the weights that clean training gives it. */
async function trainedNetwork(more: Partial<Training>): Promise<Architecture> {
  const clean = await toyTraining({ defense: "standard", epochs: 6, augment: "none" }, more);
  await events(clean);
  const weights = (await chosenCheckpoint(clean.files))?.checkpoint.state.parameters ?? {};
  const parameters = clean.architecture.parameters.map((spec) =>
    Object.assign({}, spec, { init: () => weights[spec.name] }),
  );
  return Object.assign({}, clean.architecture, { parameters });
}

/** Trains on clean images, but in these steps on images of other classes. */
function disturbed(isDisturbed: (step: number) => boolean): Defense {
  const objective: LossObjective = {
    name: "disturbed",
    feeds: async (_, x, labels, _keys, progress) => ({
      x: isDisturbed(progress?.step ?? 0) ? ofOthers(x, labels) : x,
    }),
  };
  return { name: "disturbed", noise: null, attacks: [], objective };
}

it("a run stops once clean accuracy stays below the limit, and not at a dip that passes", async () => {
  const data = withValidation(stripes(88), 40, keyOf(3));
  const architecture = await trainedNetwork(data);
  const finished: number[] = [];
  const start = async (rest: Partial<Training> = {}) =>
    toyTraining(
      Object.assign(
        { defense: "standard", epochs: 12, augment: "none", schedule: "constant" } as const,
        { maxCleanLoss: 0.05, validation: 40, rate: 0.01 },
      ),
      Object.assign(
        {
          architecture,
          finish: async ({ position }: Checkpoint) => void finished.push(position.step),
        },
        // An epoch has 6 steps. The last step of the second one makes a dip in the third, and from the seventh on nothing is right.
        { defense: disturbed((step) => step === 11 || step >= 36) },
        data,
        rest,
      ),
    );
  const training = await start();
  const all = await events(training);
  const checks = all.filter((event) => event.event === "validation");
  const low = checks
    .filter(({ clean }) => checks[0].clean - clean > 0.05)
    .map(({ epoch }) => epoch);
  expect(low).toEqual([3, 7, 8]);
  expect(all.at(-2)).toMatchObject({ event: "stopped", reason: "clean-loss", step: 48 });
  expect(checks.filter(({ best }) => best).map(({ epoch }) => epoch)).not.toContain(3);
  expect(finished[0]).toBeLessThan(48);
  const again = await events(await start({ files: training.files }));
  expect(again.filter(({ event }) => event === "step" || event === "validation")).toEqual([]);
  expect(again.at(-2)).toEqual(all.at(-2));
  expect(finished[1]).toBe(finished[0]);
});

it("a run of free-at is checked four times per epoch, and interrupted between checks it ends with the same bits", async () => {
  const { dataset, validation } = withValidation(stripes(88), 40, keyOf(3));
  const start = (rest: Partial<Training> = {}) =>
    toyTraining(
      { defense: "free-at", epochs: 2, augment: "none", epsilonLinf: 0.01 },
      Object.assign(
        { dataset, validation, defense: defenseNamed("free-at", { epsilonLinf: 0.01 }) },
        rest,
      ),
    );
  const whole = await start();
  const checks = (await events(whole)).filter((event) => event.event === "validation");
  // 6 steps per epoch, with a check after each second one and at the end.
  expect(checks.map(({ step }) => step)).toEqual([0, 2, 4, 6, 8, 10, 12]);
  const { files } = whole;
  const part = memoryFiles();
  for (const at of [3, 8, 11]) {
    const interrupt = new AbortController();
    for await (const event of train(await start({ files: part, signal: interrupt.signal })))
      if (event.event === "step" && event.step === at) interrupt.abort();
  }
  await events(await start({ files: part }));
  const [one, other] = await Promise.all([files, part].map(latestCheckpoint));
  expect(other?.checkpoint.state).toEqual(one?.checkpoint.state);
  const [expected, found] = await Promise.all(
    [files, part].map((run) => run.read("validation.jsonl")),
  );
  expect(Buffer.from(found).toString()).toBe(Buffer.from(expected).toString());
});
