import { describe, expect, it } from "vitest";
import { stripes, toyTraining, wide } from "../../test/fixtures/toy-training.ts";
import { memoryFiles, type RunFiles } from "../files/run/run-files.ts";
import type { Parameters } from "../models/architecture.ts";
import { latestCheckpoint } from "../models/opening/checkpoints.ts";
import type { TrainEvent } from "./events.ts";
import { readMetrics } from "./metrics.ts";
import { type Training, train } from "./train.ts";

async function events(training: Training, each: (event: TrainEvent) => void = () => {}) {
  const all: TrainEvent[] = [];
  for await (const event of train(training)) {
    all.push(event);
    each(event);
  }
  return all;
}

/** Everything that must agree to the bit: weights, momentum, and metrics without their times. */
async function outcome(files: RunFiles) {
  const found = await latestCheckpoint(files);
  if (found === undefined) throw new Error("no checkpoint");
  const { state, position } = found.checkpoint;
  const bits = (arrays: Parameters) =>
    Object.entries(arrays).map(([name, { data }]) => [
      name,
      Buffer.from(data.slice().buffer).toString("hex"),
    ]);
  const metrics = (await readMetrics(files)).map(({ seconds: _, ...rest }) => rest);
  return {
    weights: bits(state.parameters),
    slots: bits(state.slots),
    metrics,
    step: position.step,
  };
}

/** Copies the files as they are now, as a kill would leave them. */
async function snapshot(files: RunFiles): Promise<RunFiles> {
  const copy = memoryFiles(files.path);
  for (const folder of ["", "checkpoints"])
    for (const name of await files.list(folder)) {
      const path = folder === "" ? name : `${folder}/${name}`;
      await copy.write(path, await files.read(path));
    }
  return copy;
}

let whole: Promise<Awaited<ReturnType<typeof outcome>>> | undefined;

/** The result of the uninterrupted wide run; trained once. */
const uninterrupted = () => {
  whole ??= toyTraining(wide).then(async (training) => {
    await events(training);
    return outcome(training.files);
  });
  return whole;
};

describe("training", () => {
  it("learns: an undefended network tells stripes apart after a few steps", async () => {
    const training = await toyTraining({
      defense: "standard",
      epochs: 12,
      dropout: 0,
      augment: "none",
    });
    const all = await events(training);
    const last = all.filter((event) => event.event === "epoch").at(-1);
    expect(last).toMatchObject({ epoch: 12, step: 60, testExamples: 30, testNoise: null });
    expect(last?.testAccuracy).toBeGreaterThan(0.9);
    expect(last?.trainAccuracy).toBeGreaterThan(0.9);
    expect(all.at(-1)).toMatchObject({ event: "done", step: 60 });
  });

  it.each([3, 5])("interrupted after step %i and resumed, gives the same bits", async (at) => {
    const interrupt = new AbortController();
    const part = await toyTraining(wide, { signal: interrupt.signal });
    const first = await events(part, (event) => {
      if (event.event === "step" && event.step === at) interrupt.abort();
    });
    expect(first.at(-1)).toMatchObject({ event: "interrupted", step: at });
    const rest = await events(await toyTraining(wide, { files: part.files }));
    expect(rest[0]).toMatchObject({ event: "start", step: at });
    expect(await outcome(part.files)).toEqual(await uninterrupted());
  });

  it("an interruption ends an attack in the middle of a step", async () => {
    const interrupt = new AbortController();
    const training = await toyTraining({ steps: 100 }, { signal: interrupt.signal });
    let calls = 0;
    const counting = {
      ...training,
      defense: {
        ...training.defense,
        objective: {
          name: "endless",
          async examples(model, x, labels, keys) {
            for (;;) {
              if (++calls === 3) interrupt.abort();
              await model.lossAndGradient(x, { kind: "ce", labels }, keys);
            }
          },
        },
      },
    } satisfies Training;
    expect((await events(counting)).at(-1)).toMatchObject({ event: "interrupted", step: 0 });
    expect(calls).toBe(3);
  });

  it("killed between a line of metrics and its checkpoint, writes that line once", async () => {
    const whole = await toyTraining({}, { checkpointSeconds: 0 });
    const killed: RunFiles[] = [];
    const files: RunFiles = {
      ...whole.files,
      async append(name, text) {
        await whole.files.append(name, text);
        killed.push(await snapshot(whole.files));
      },
    };
    await events({ ...whole, files });
    expect(killed.length).toBe(2);
    for (const left of killed) {
      await events(await toyTraining({}, { files: left }));
      expect(await outcome(left)).toEqual(await outcome(whole.files));
    }
  });

  it("does nothing in a finished run", async () => {
    const training = await toyTraining({ epochs: 1 });
    await events(training);
    const before = await outcome(training.files);
    expect((await events(training)).map(({ event }) => event)).toEqual(["start", "done"]);
    expect(await outcome(training.files)).toEqual(before);
  });

  it("keeps the three newest checkpoints", async () => {
    const training = await toyTraining({ defense: "standard", epochs: 5 });
    await events(training);
    const names = await training.files.list("checkpoints");
    expect([...names].sort()).toEqual([3, 4, 5].map((epoch) => `epoch-${epoch}.safetensors`));
  });

  it("depends on the seed", async () => {
    const runs = await Promise.all([0, 1].map((seed) => toyTraining({ epochs: 1, seed })));
    for (const run of runs) await events(run);
    const [a, b] = await Promise.all(runs.map(({ files }) => outcome(files)));
    expect(a.weights).not.toEqual(b.weights);
  });

  it("attacks with batch statistics and dropout if asked to, which changes the examples", async () => {
    const runs = [
      await toyTraining({ ...wide, epochs: 1 }),
      await toyTraining({ ...wide, epochs: 1, attackMode: "batch" }),
    ];
    for (const run of runs) await events(run);
    const [a, b] = await Promise.all(runs.map(({ files }) => outcome(files)));
    expect(a.weights).not.toEqual(b.weights);
  });

  it("warns if it resumes with other threads", async () => {
    const training = await toyTraining({ epochs: 1 });
    await events(training);
    const target = { ...training.runtime.target, threads: 7 };
    const all = await events({ ...training, runtime: { ...training.runtime, target } });
    expect(all[1]).toMatchObject({ event: "warning" });
    expect(all[1].event === "warning" && all[1].message).toMatch(
      /1 thread, (plain|blocked-\d+(?:-w\d+-\d+)?) .* 7 threads, \1/,
    );
  });

  it("uses every example at most once per epoch, in another order each time", async () => {
    const seen: number[][] = [];
    const training = await toyTraining({ defense: "standard", augment: "none" });
    const { train: split } = training.dataset;
    const images = (indices: readonly number[]) => {
      seen.push([...indices]);
      return split.images(indices);
    };
    await events({ ...training, dataset: { ...training.dataset, train: { ...split, images } } });
    const [first, second] = [seen.slice(0, 5).flat(), seen.slice(5).flat()];
    for (const order of [first, second]) expect(new Set(order).size).toBe(40);
    expect(first).not.toEqual(second);
  });
});

describe("training stops", () => {
  it("at a loss that is not finite, naming the step and the last good checkpoint", async () => {
    const training = await toyTraining({ ...wide, defense: "standard", augment: "none" });
    const { images } = training.dataset.train;
    let calls = 0;
    const broken = (indices: readonly number[]) => {
      const x = images(indices);
      if (++calls === 8) x.data[0] = Number.NaN;
      return x;
    };
    const dataset = { ...training.dataset, train: { ...training.dataset.train, images: broken } };
    await expect(events({ ...training, dataset })).rejects.toThrow(
      "step 8 of 10 gave a loss of NaN; the last good checkpoint is memory/checkpoints/epoch-1.safetensors;\n  start again with a lower rate than --rate 0.05",
    );
    expect((await outcome(training.files)).step).toBe(5);
  });

  it("before it saves weights that are not finite", async () => {
    const training = await toyTraining({ defense: "standard", rate: 1e39, epochs: 1, examples: 8 });
    await expect(events(training)).rejects.toMatchObject({ code: "diverged" });
    expect(await training.files.list("checkpoints")).toEqual([]);
  });

  it("when the disk is full, with the previous checkpoint intact", async () => {
    const training = await toyTraining({ defense: "standard" });
    const files: RunFiles = {
      ...training.files,
      async write(name, contents) {
        if (name.includes("epoch-2"))
          throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
        await training.files.write(name, contents);
      },
    };
    await expect(events({ ...training, files })).rejects.toThrow(
      "ENOSPC: no space left on device;\n  memory/checkpoints/epoch-1.safetensors is intact; put this right, then resume the run",
    );
    await events(training);
    expect((await outcome(training.files)).step).toBe(10);
  });

  it("at a checkpoint of another network", async () => {
    const training = await toyTraining({ defense: "standard", epochs: 1 });
    await events(training);
    const other = await toyTraining({ ...wide, defense: "standard", epochs: 1 });
    await expect(events({ ...other, files: training.files })).rejects.toThrow(
      /memory\/checkpoints\/epoch-1\.safetensors holds a cnn-small \([\d,]+ parameters\), the options ask for wrn-10-1;\n {2}use --model cnn-small/,
    );
  });

  it("at a checkpoint of a data set that has changed since", async () => {
    const training = await toyTraining({ defense: "standard", epochs: 1 });
    await events(training);
    await expect(events({ ...training, dataset: stripes(50) })).rejects.toMatchObject({
      code: "misfit",
    });
  });

  it.each([
    ["cut short", (bytes: Uint8Array) => bytes.slice(0, bytes.length - 5)],
    ["empty", () => new Uint8Array()],
    [
      "with one bit turned over",
      (bytes: Uint8Array) => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1] ^ 4),
    ],
  ])("at a checkpoint that is %s, naming the previous one", async (_, damage) => {
    const training = await toyTraining({ defense: "standard" });
    await events(training);
    const name = "checkpoints/epoch-2.safetensors";
    await training.files.write(name, damage(await training.files.read(name)));
    await expect(events(training)).rejects.toThrow(
      /^memory\/checkpoints\/epoch-2\.safetensors is damaged: it.*;\n {2}the previous one, memory\/checkpoints\/epoch-1\.safetensors, is good/,
    );
    await training.files.remove(name);
    expect((await events(training)).at(-1)).toMatchObject({ event: "done", step: 10 });
  });
});
