import { describe, expect, it } from "vitest";
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

const device = await node.nodeRuntime({ threads: 1 });

describe("a wrong call of train is a UsageError:", () => {
  it.each([
    ["no options", () => core.train(undefined as never), "bad-option"],
    ["no runtime", () => core.train(tiny), "missing-option"],
    ["no data set", () => core.train({ ...tiny, data: undefined, device }), "missing-option"],
    ["a data set in files", () => core.train({ ...tiny, data: "npz:a.npz", device }), "bad-option"],
    ["a path for results", () => core.train({ ...tiny, device, out: "a" as never }), "bad-option"],
    [
      "a folder of data",
      () => core.train({ ...tiny, device, dataDir: "a" } as never),
      "unknown-option",
    ],
    ["an unknown option", () => core.train({ ...tiny, device, lr: 1 } as never), "unknown-option"],
    [
      "an unknown defence",
      () => core.train({ ...tiny, device, defense: "at" as never }),
      "unknown-name",
    ],
    ["nothing to resume", () => core.train({ device, resume: true }), "not-found"],
  ])("%s", async (_, call, code) => {
    await expect(call()).rejects.toMatchObject({ code });
  });
});
