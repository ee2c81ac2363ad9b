import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, it } from "vitest";
import { toyTraining, wide } from "../../test/fixtures/toy-training.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { nodeFiles } from "../files/run/node.ts";
import { latestCheckpoint } from "../models/opening/checkpoints.ts";
import { openModelInNode } from "../models/opening/node.ts";
import { readMetrics } from "./metrics.ts";
import { leaseRun, trainInNode } from "./node.ts";
import { train } from "./train.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-train-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const place = () => join(folder, `run-${made++}`);

const drain = async (events: AsyncIterable<unknown>) => {
  for await (const _ of events);
};

const trainInChild = (path: string): ChildProcess =>
  spawn(process.execPath, ["--import", "tsx", "test/fixtures/train-in-child.ts", path], {
    stdio: ["ignore", "pipe", "inherit"],
  });

/** Kills the child with SIGKILL as soon as it has printed this step. */
async function killAfter(child: ChildProcess, step: number): Promise<void> {
  if (child.stdout === null) throw new Error("no output");
  for await (const line of createInterface(child.stdout))
    if (Number(line) === step) child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
}

describe("kill -9 during training", () => {
  it("twice, then resuming, gives the bits of an uninterrupted run", async () => {
    const path = place();
    await killAfter(trainInChild(path), 3);
    expect(readdirSync(join(path, "checkpoints")).length).toBeGreaterThan(0);
    await killAfter(trainInChild(path), 7);
    const resumed = await toyTraining(wide, { files: nodeFiles(path) });
    await drain(train(resumed));
    const whole = await toyTraining(wide);
    await drain(train(whole));

    const [a, b] = await Promise.all([resumed, whole].map(({ files }) => latestCheckpoint(files)));
    expect(a?.checkpoint.position.step).toBe(10);
    expect(a?.checkpoint.state).toEqual(b?.checkpoint.state);
    const lines = await Promise.all([resumed, whole].map(({ files }) => readMetrics(files)));
    const [got, expected] = lines.map((all) => all.map(({ seconds: _, ...line }) => line));
    expect(got).toEqual(expected);
  });
});

it("a resumed run uses the lowering that it was started with", async () => {
  const path = place();
  const options = {
    defense: "standard",
    model: "cnn-small",
    data: "shapes",
    examples: 8,
    batch: 4,
  };
  await drain(trainInNode({ ...options, epochs: 1 }, { out: path, threads: 1 }));
  const latest = async () => (await latestCheckpoint(nodeFiles(path)))?.checkpoint.target;
  expect((await latest())?.lowering).toBe((await nodeRuntime({ threads: 1 })).target.lowering);
  const { crc: _, ...config } = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
  const rewritten = { ...config, options: { ...config.options, epochs: 2 } };
  rewritten.target.lowering = "plain";
  writeFileSync(join(path, "config.json"), JSON.stringify(rewritten));
  await drain(trainInNode({}, { out: path, resume: true, threads: 1 }));
  expect((await latest())?.lowering).toBe("plain");
});

describe("a run directory's lease", () => {
  it("keeps a second run out, names the process, and leaves no files", async () => {
    const path = place();
    const lease = await leaseRun(path);
    await expect(leaseRun(path)).rejects.toThrow(`${path} is in use by process ${process.pid};`);
    await lease.release();
    await (await leaseRun(path)).release();
    expect(readdirSync(path)).toEqual([]);
  });

  it.each(["null", '{"pid":1', "{}"])(
    "is not kept from anybody by an older version's lock: %s",
    async (text) => {
      const path = place();
      mkdirSync(path);
      writeFileSync(join(path, "lock"), text);
      await (await leaseRun(path)).release();
      expect(await nodeFiles(path).list("")).toEqual([]);
    },
  );
});

describe("opening a model", () => {
  it("gives the same network from a run directory and from its checkpoint alone", async () => {
    const path = place();
    const training = await toyTraining({ epochs: 1 }, { files: nodeFiles(path) });
    await drain(train(training));
    const model = await openModelInNode(path);
    expect(model).toMatchObject({
      path,
      name: path.split("/").at(-1),
      defense: "rat-linf-uniform",
      noise: "uniform:0.2",
      data: "npz:stripes",
      classNames: ["rows", "columns", "diagonals"],
    });
    expect(model.architecture.name).toBe("cnn-small");
    expect(model.config).toMatchObject({ batch: 8, seed: 0 });
    const file = join(path, "checkpoints/epoch-1.safetensors");
    expect((await openModelInNode(file)).parameters).toEqual(model.parameters);

    writeFileSync(file, readFileSync(file).subarray(0, 1000));
    await expect(openModelInNode(path)).rejects.toThrow(/is damaged.*\n.*no other good checkpoint/);
    await expect(openModelInNode(file)).rejects.toThrow(
      `${file} cannot be opened as a checkpoint: it`,
    );
  });

  it("fails with a code for a path that is no model", async () => {
    const path = place();
    await expect(openModelInNode(path)).rejects.toMatchObject({ code: "not-found" });
    mkdirSync(path);
    await expect(openModelInNode(path)).rejects.toMatchObject({ code: "not-found" });
    writeFileSync(join(path, "notes.txt"), "hello, this is not a model");
    await expect(openModelInNode(join(path, "notes.txt"))).rejects.toThrow(
      "is a text file (26 bytes), and an ONNX model",
    );
  });
});

describe("files of a run", () => {
  it("are replaced atomically: a failed write leaves the old contents and no other files", async () => {
    const path = place();
    const files = nodeFiles(path);
    await files.write("checkpoints/a", "old");
    // A folder in the place of the file makes the last step, the renaming, fail.
    mkdirSync(join(path, "checkpoints/b"));
    await expect(files.write("checkpoints/b", "new")).rejects.toThrow();
    expect(readdirSync(join(path, "checkpoints")).sort()).toEqual(["a", "b"]);
    expect(await files.list("nowhere")).toEqual([]);
  });

  it("survive a full disk", async (context) => {
    const path = place();
    mkdirSync(path);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=800k", "tmpfs", path], { stdio: "pipe" });
    } catch {
      console.log("skipped: a small file system to fill needs the right to mount");
      return context.skip();
    }
    try {
      const training = await toyTraining(
        { defense: "standard", epochs: 9 },
        { files: nodeFiles(path) },
      );
      const trainAndFill = async () => {
        for await (const { event } of train(training))
          if (event === "epoch")
            writeFileSync(join(path, "filler"), Buffer.alloc(100_000), { flag: "a" });
      };
      // Thrown by the test's own write or by one of the run.
      await expect(trainAndFill()).rejects.toThrow(/no space left on the device|ENOSPC/);
      const left = await latestCheckpoint(training.files);
      expect(left?.checkpoint.position.epoch).toBeGreaterThan(0);
      rmSync(join(path, "filler"));
      await drain(train(training));
      expect((await latestCheckpoint(training.files))?.checkpoint.position.epoch).toBe(9);
    } finally {
      execFileSync("umount", [path]);
    }
  });
});
