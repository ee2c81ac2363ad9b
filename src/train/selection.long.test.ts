import { describe, expect, it } from "vitest";
import { stripes, toyTraining, wide } from "../../test/fixtures/toy-training.ts";
import { withValidation } from "../data/validation-split.ts";
import { defenseNamed } from "../defenses/table.ts";
import { keyOf } from "../math/random.ts";
import type { Parameters } from "../models/architecture.ts";
import { classifier } from "../models/classifier.ts";
import { chosenCheckpoint, latestCheckpoint } from "../models/opening/checkpoints.ts";
import { epochTestAccuracy } from "./epoch-test-accuracy.ts";
import type { TrainEvent } from "./events.ts";
import { exampleKeys } from "./streams.ts";
import { type Training, train } from "./train.ts";
import { validate } from "./validation.ts";

async function events(training: Training): Promise<TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of train(training)) all.push(event);
  return all;
}

describe("a run that diverges", () => {
  const options = { epochs: 4, augment: "none", defense: "standard" } as const;
  /** A run of 6 steps per epoch that is given NaN at its 16th batch, and the checkpoints that become its model. */
  async function breaking(more: Partial<Training> = {}) {
    const { dataset, validation } = withValidation(stripes(88), 40, keyOf(3));
    const { images } = dataset.train;
    let calls = 0;
    const broken = (indices: readonly number[]) => {
      const x = images(indices);
      if (++calls === 16) x.data[0] = Number.NaN;
      return x;
    };
    const finished: number[] = [];
    const training = await toyTraining(options, {
      dataset: Object.assign({}, dataset, {
        train: Object.assign({}, dataset.train, { images: broken }),
      }),
      validation,
      finish: async ({ position }) => void finished.push(position.step),
      ...more,
    });
    return { training, finished };
  }

  it("keeps its best checkpoint as its model, and then fails", async () => {
    const { training, finished } = await breaking();
    const all: TrainEvent[] = [];
    const run = async () => {
      for await (const event of train(training)) all.push(event);
    };
    await expect(run()).rejects.toThrow(
      "step 16 of 24 gave a loss of NaN; the model is the best checkpoint before that, memory/chosen/step-12.safetensors;\n  start again with a lower rate than --rate 0.05",
    );
    const path = "memory/chosen/step-12.safetensors";
    const message = "step 16 of 24 gave a loss of NaN";
    const stopped = { event: "stopped", reason: "diverged", step: 15, path, message };
    expect(all.at(-1)).toEqual(stopped);
    expect(finished).toEqual([12]);
  });

  it("without a better checkpoint than its first weights, keeps nothing", async () => {
    const { training, finished } = await breaking({
      options: Object.assign({}, (await toyTraining(options)).options, { rate: 1e-20 }),
    });
    const all: TrainEvent[] = [];
    const run = async () => {
      for await (const event of train(training)) all.push(event);
    };
    await expect(run()).rejects.toMatchObject({ code: "diverged" });
    expect(all.filter(({ event }) => event === "stopped")).toEqual([]);
    expect(finished).toEqual([]);
  });
});

it("a run whose time is over ends at its best checkpoint, fails, and can be resumed to the same bits", async () => {
  const { dataset, validation } = withValidation(stripes(88), 40, keyOf(3));
  const options = { defense: "standard", epochs: 4, augment: "none" } as const;
  const finished: number[] = [];
  const data = { dataset, validation };
  const whole = await toyTraining(options, data);
  await events(whole);
  const finish: Training["finish"] = async ({ position }) => void finished.push(position.step);
  let steps = 0;
  const limit = { isOver: () => ++steps >= 15, text: "time is over", next: "resume" };
  const late = await toyTraining(options, Object.assign({ finish, limit }, data));
  const all: TrainEvent[] = [];
  const run = async () => {
    for await (const event of train(late)) all.push(event);
  };
  await expect(run()).rejects.toMatchObject({
    code: "out-of-time",
    message: expect.stringMatching(/^time is over; .*chosen.step-\d+\.safetensors;\n {2}resume$/),
  });
  expect(all.slice(-4).map(({ event }) => event)).toEqual([
    "step",
    "validation",
    "checkpoint",
    "stopped",
  ]);
  const chosen = await chosenCheckpoint(late.files);
  expect(all.at(-1)).toMatchObject({ reason: "time", step: 15, path: `memory/${chosen?.name}` });
  expect(finished).toEqual([chosen?.checkpoint.position.step]);
  await events(await toyTraining(options, Object.assign({ files: late.files }, data)));
  const [one, other] = await Promise.all([whole.files, late.files].map(latestCheckpoint));
  expect(other?.checkpoint.state).toEqual(one?.checkpoint.state);
  const checks = [whole.files, late.files].map((files) => files.read("validation.jsonl"));
  const [expected, found] = await Promise.all(checks);
  expect(Buffer.from(found).toString()).toBe(Buffer.from(expected).toString());
});

it("a run whose time is over after its last step is done", async () => {
  const limit = { isOver: () => true, text: "", next: "" };
  const options = { defense: "standard", epochs: 1, examples: 8 } as const;
  const all = await events(await toyTraining(options, { limit }));
  expect(all.at(-1)).toMatchObject({ event: "done", step: 1 });
});

it("an interrupted run's model is its best checkpoint so far", async () => {
  const { dataset, validation } = withValidation(stripes(88), 40, keyOf(3));
  const interrupt = new AbortController();
  const finished: number[] = [];
  const training = await toyTraining(
    { defense: "standard", epochs: 40, augment: "none" },
    {
      dataset,
      validation,
      signal: interrupt.signal,
      finish: async ({ position }) => void finished.push(position.step),
    },
  );
  const all: TrainEvent[] = [];
  for await (const event of train(training)) {
    all.push(event);
    if (event.event === "step" && event.step === 15) interrupt.abort();
  }
  const model = (await chosenCheckpoint(training.files))?.name;
  expect(all.at(-1)).toMatchObject({ event: "interrupted", model: `memory/${model}` });
  expect(finished).toEqual([12]);
});

it("averaged weights are the run's model, and a resumed run has the same ones", async () => {
  const options = { defense: "standard", ema: 0.9, epochs: 2, augment: "none" } as const;
  const whole = await toyTraining(options);
  await events(whole);
  const interrupt = new AbortController();
  const part = await toyTraining(options, { signal: interrupt.signal });
  for await (const event of train(part))
    if (event.event === "step" && event.step === 3) interrupt.abort();
  await events(await toyTraining(options, { files: part.files }));
  const [one, other] = await Promise.all([whole, part].map(({ files }) => chosenCheckpoint(files)));
  expect(other?.checkpoint.state.parameters).toEqual(one?.checkpoint.state.parameters);
  expect(Object.keys(one?.checkpoint.state.slots ?? { x: 0 })).toEqual([]);
});

it("averaged weights are checked with the batch statistics that their checkpoint gets", async () => {
  const { dataset, validation } = withValidation(stripes(88), 40, keyOf(3));
  const averaged = { swa: 0, epochs: 2, augment: "none", defense: "standard", rate: 1 } as const;
  const training = await toyTraining(Object.assign({}, wide, averaged), { dataset, validation });
  const all = await events(training);
  const best = all.findLast((event) => event.event === "validation" && event.best);
  const chosen = await chosenCheckpoint(training.files);
  if (chosen === undefined) throw new Error("no checkpoint was chosen");
  const { runtime, architecture, defense } = training;
  const network = classifier(runtime, architecture, chosen.checkpoint.state.parameters);
  const accuracy = await validate(network, defense, [], validation, (indices) =>
    exampleKeys(0, "validation", 0, indices),
  );
  await network.release();
  expect(best).toMatchObject({ step: chosen.checkpoint.position.step, clean: accuracy.clean });
});

it("the metrics of an epoch are those of averaged weights", async () => {
  const options = { epochs: 1, augment: "none", defense: "standard", rate: 1, swa: 0 } as const;
  const training = await toyTraining(Object.assign({}, wide, options));
  const all = await events(training);
  const accuracyOf = async (parameters: Parameters | undefined) => {
    const { runtime, architecture, dataset } = training;
    const network = classifier(runtime, architecture, parameters ?? {});
    const { accuracy } = await epochTestAccuracy(network, dataset, null, (indices) =>
      exampleKeys(0, "check", 0, indices),
    );
    await network.release();
    return accuracy;
  };
  const chosen = await chosenCheckpoint(training.files);
  const last = await latestCheckpoint(training.files);
  const [averaged, raw] = [
    await accuracyOf(chosen?.checkpoint.state.parameters),
    await accuracyOf(last?.checkpoint.state.parameters),
  ];
  expect(all.find((event) => event.event === "epoch")?.testAccuracy).toBe(averaged);
  expect(raw).not.toBe(averaged);
});

describe("certified training", () => {
  const options = { epochs: 4, augment: "none", epsilonLinf: 0.05, recipe: "certified" } as const;
  const start = (rest: Partial<Training> = {}) => {
    const { dataset, validation } = withValidation(stripes(88), 40, keyOf(3));
    const warmup = { crownIbpStart: 0.2, crownIbpWarmup: 0.5 };
    const defense = defenseNamed("crown-ibp", Object.assign({ epsilonLinf: 0.05 }, warmup));
    return toyTraining(
      Object.assign({ defense: "crown-ibp" }, options),
      Object.assign({ dataset, validation, defense }, rest),
    );
  };

  it("chooses the checkpoint by the share that intervals prove, through all phases", async () => {
    const all = await events(await start());
    const checks = all.filter((event) => event.event === "validation");
    expect(checks.map(({ proven }) => proven)).toEqual(checks.map(() => true));
    for (const { clean, robust } of checks) expect(robust).toBeLessThanOrEqual(clean);
    expect(all.at(-1)).toMatchObject({ event: "done", step: 24 });
  });

  // Steps 1 to 5 are clean, 6 to 16 with the bounds of CROWN, and the others without.
  it("interrupted within and between its phases, ends with the same bits", async () => {
    const whole = await start();
    await events(whole);
    let part = await start();
    const { files } = part;
    for (const at of [3, 5, 11, 16]) {
      const interrupt = new AbortController();
      part = await start({ files, signal: interrupt.signal });
      for await (const event of train(part))
        if (event.event === "step" && event.step === at) interrupt.abort();
    }
    await events(await start({ files }));
    const [one, other] = await Promise.all([whole.files, files].map(latestCheckpoint));
    expect(other?.checkpoint.state).toEqual(one?.checkpoint.state);
    expect(other?.checkpoint.position.step).toBe(24);
  });
});
