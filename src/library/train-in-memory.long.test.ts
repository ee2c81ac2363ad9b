import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Runtime } from "../engine/runtime/runtime.ts";
import * as core from "../index.ts";
import * as node from "../node.ts";

const tiny = {
  defense: "at-linf",
  model: "mlp-small",
  data: "shapes",
  recipe: "short",
  epochs: 2,
  examples: 24,
  batch: 8,
  steps: 2,
} as const;

const folder = mkdtempSync(join(tmpdir(), "rampart-memory-"));
afterAll(() => rmSync(folder, { recursive: true }));

let device: Runtime;
let expected: core.OpenModel;
const out = join(folder, "run");

beforeAll(async () => {
  device = await node.nodeRuntime({ threads: 1 });
  expected = await node.train({ ...tiny, out, device });
});

/** Two classes of 1×8×8 images, without a split. */
function images(count = 20): core.Dataset {
  const pixels = core.tensor([count, 1, 8, 8]);
  pixels.data.forEach((_, i) => {
    const image = Math.floor(i / 64);
    pixels.data[i] = (image % 2 === (i % 64 < 32 ? 0 : 1) ? 0.6 : 0.2) + 0.01 * (image % 7);
  });
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  return core.imageDataset({ images: pixels, labels, classes: ["top", "bottom"], name: "halves" });
}

const ofImages = { ...tiny, epochs: 1, examples: undefined, batch: 4 } as const;

describe("in memory, train", () => {
  it("gives the weights, the checkpoints and the .onnx file of rampart/node", async () => {
    const files = core.memoryStorage("run");
    const model = await core.train({ ...tiny, device, out: files });
    expect(model.parameters).toEqual(expected.parameters);
    expect(model).toMatchObject({ name: "run", defense: "at-linf", config: expected.config });
    const names = await files.list("checkpoints");
    expect(names).toEqual(["epoch-1.safetensors", "epoch-2.safetensors"]);
    expect(Buffer.from(await files.read("model.onnx"))).toEqual(
      readFileSync(join(out, "model.onnx")),
    );
    const config = JSON.parse(new TextDecoder().decode(await files.read("config.json")));
    const before = JSON.parse(readFileSync(join(out, "config.json"), "utf8"));
    expect(Object.keys(config)).toEqual(Object.keys(before));
    for (const name of ["options", "model", "attacks", "versions", "target"])
      expect(config[name], name).toEqual(before[name]);
  });

  it("interrupted and resumed in a storage gives the same weights", async () => {
    const files = core.memoryStorage("run");
    const stop = new AbortController();
    const reason = new Error("enough");
    const first = core.train({
      ...tiny,
      device,
      out: files,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.event === "step" && event.step === 2) stop.abort(reason);
      },
    });
    await expect(first).rejects.toBe(reason);
    expect(await files.list("")).not.toContain("model.onnx");
    const starts: number[] = [];
    const resumed = await core.train({
      device,
      out: files,
      resume: true,
      onEvent: (event) => void (event.event === "start" && starts.push(event.step)),
    });
    expect(starts).toEqual([2]);
    expect(resumed.parameters).toEqual(expected.parameters);
    const again = core.train({ ...tiny, device, out: files });
    await expect(again).rejects.toMatchObject({ code: "in-use" });
    const other = core.train({ device, out: files, resume: true, seed: 3 });
    await expect(other).rejects.toMatchObject({ code: "misfit" });
  });

  it("takes a data set as a value and holds a part of it out, on which evaluate tests", async () => {
    const data = images();
    const files = core.memoryStorage("halves");
    const warnings: string[] = [];
    const model = await core.train({
      ...ofImages,
      data,
      device,
      out: files,
      onEvent: (event) => void (event.event === "warning" && warnings.push(event.code)),
    });
    expect(warnings).toEqual(["held-out"]);
    expect(model).toMatchObject({ data: "halves", heldOut: { examples: 4, of: 20 } });
    expect(model.config.augment).toBe("crop-flip");
    const rows = await core.evaluate(model, { data, device, attacks: "none", examples: 20 });
    expect(rows).toHaveLength(4);
    const notes: string[] = [];
    const others = await core.evaluate(model, {
      data: images(10),
      device,
      attacks: "none",
      examples: 20,
      note: (line) => notes.push(line),
    });
    expect(others).toHaveLength(2);
    expect(notes.join("\n")).toContain("test images may have been trained on");
    const lost = core.train({ device, out: files, resume: true });
    await expect(lost).rejects.toMatchObject({ code: "unknown-name" });
    const resumed = await core.train({ data, device, out: files, resume: true });
    expect(resumed.parameters).toEqual(model.parameters);
  });

  it("returns a model that audit takes", async () => {
    const model = await core.train({ ...tiny, epochs: 1, device });
    const options = { device, examples: 4, budget: "quick", norms: "linf", steps: 2 } as const;
    const { steps: _, ...auditing } = options;
    const result = await core.audit(model, auditing);
    expect(result.norms.map(({ norm }) => norm)).toEqual(["linf"]);
  });

  it("audit refuses an imported model in its place", async () => {
    const architecture = { ...expected.architecture, foreign: true };
    const audited = core.audit({ ...expected, architecture }, { device });
    await expect(audited).rejects.toMatchObject({ code: "bad-option" });
  });
});
