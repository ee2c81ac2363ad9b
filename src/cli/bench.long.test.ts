import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { benchModel, benchTask } from "../bench/task.ts";
import { works } from "../bench/works.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { run } from "./kit/program.ts";
import { rampart } from "./main.ts";

async function bench(...argv: string[]) {
  let [out, err] = ["", ""];
  const code = await run(rampart, ["bench", ...argv], {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { code, out, err };
}

it("measures both kinds of work, one object per line", async () => {
  const argv = ["--model", "cnn-small", "--batch", "2", "--repeats", "2", "--json"];
  const { code, out } = await bench(...argv);
  expect(code).toBe(0);
  const rows = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map(({ work }) => work)).toEqual(["gradient", "train"]);
  for (const { seconds, flops, flopsPerSecond, peakFlopsPerSecond, share } of rows) {
    expect(flopsPerSecond * seconds.median).toBeCloseTo(flops, -1);
    expect(peakFlopsPerSecond).toBeGreaterThan(1e8);
    expect(share).toBeCloseTo(flopsPerSecond / peakFlopsPerSecond, 9);
  }
});

it("refuses a model that does not exist and a device that is not here", async () => {
  expect(await bench("--model", "wrn-16")).toMatchObject({ code: 2, out: "" });
  expect(await bench("--device", "tpu")).toMatchObject({ code: 2, out: "" });
});

it("calibrates the machine for the user's later runs, and refuses a file that is none", async () => {
  const { HOME } = process.env;
  process.env.HOME = mkdtempSync(join(tmpdir(), "rampart-home-"));
  const file = join(process.env.HOME, ".cache", "rampart", "calibration.json");
  const lowering = async () => (await nodeRuntime({ threads: 1 })).target.lowering;
  try {
    const usual = await lowering();
    const { code, out, err } = await bench("--calibrate", "--threads", "1", "--json");
    if (usual === "plain") {
      expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining("no blocked") });
      return;
    }
    expect(code).toBe(0);
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(9);
    for (const { direct, winograd } of lines.slice(0, 8)) {
      expect(direct).toBeGreaterThan(0);
      expect(winograd).toBeGreaterThan(0);
    }
    const { pictures, weights, path } = lines[8];
    expect(path).toBe(file);
    const asUsual = pictures === 128 && weights === 256;
    expect(await lowering()).toBe(asUsual ? usual : `${usual}-w${pictures}-${weights}`);
    expect(await bench("--calibrate", "--device", "cuda")).toMatchObject({ code: 2, out: "" });
    writeFileSync(file, "{}x");
    for (const words of [["--calibrate"], ["--model", "cnn-small"]])
      expect(await bench(...words)).toMatchObject({
        code: 2,
        out: "",
        err: expect.stringContaining(`${file} is not what`),
      });
    expect(readFileSync(file, "utf8")).toBe("{}x");
  } finally {
    rmSync(process.env.HOME, { recursive: true });
    process.env.HOME = HOME;
  }
});

it("trains as it measures: the loss of a batch seen again and again falls", async () => {
  const model = await benchModel("cnn-small", { data: "shapes", seed: 0 });
  const effort = { ...works.train.effort(8), images: 8 };
  const task = benchTask(model, { kind: "training", batch: 8, effort, seed: 0 });
  const open = await works.train.open(await nodeRuntime({ threads: 1 }), task);
  const first = (await open.step()).loss ?? 0;
  for (let i = 0; i < 10; i++) await open.step();
  expect((await open.step()).loss).toBeLessThan(0.95 * first);
  await open.release();
});
