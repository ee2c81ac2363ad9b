// Which stored proofs an audit goes on with.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as fixture from "../../../test/fixtures/audit-fixture.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import { openedJson, sealedJson } from "../../files/sealed.ts";
import * as core from "../../index.ts";
import { nodeRuntime } from "../../node.ts";

let device: Runtime;
let bytes: Uint8Array;
const dataset = core.imageDataset({
  images: core.tensor([fixture.count, 1, 4, 4], fixture.pixels),
  labels: fixture.labels,
  classes: ["0", "1", "2", "3"],
  name: "quarters",
});

beforeAll(async () => {
  device = await nodeRuntime({ threads: 1, lowering: "plain" });
  bytes = readFileSync(fixture.network("quarters"));
});
afterAll(fixture.removeFolder);

const options = { budget: "quick", prove: true } as const;

const auditIn = (out: core.Storage, more: object = {}) =>
  core.audit(bytes, { ...options, device, data: dataset, name: "quarters.onnx", out, ...more });

describe("a resumed audit with prove", () => {
  const small = { examples: 2, norms: ["linf"], epsilonLinf: [0.17] } as const;
  const out = core.memoryStorage("memory");
  beforeAll(async () => {
    await auditIn(out, small);
  });
  /** The files of proofs without those of the attacks, which have their own checks. */
  const proofsOnly = async (edit: (name: string, text: string) => string = (_, text) => text) => {
    const copy = core.memoryStorage("copy");
    for (const name of ["rows.proofs.jsonl", "rows.proofs.settings.json"]) {
      const text = edit(name, new TextDecoder().decode(await out.read(name)));
      await copy.write(name, new TextEncoder().encode(text));
    }
    return copy;
  };
  const data = (more: { labels?: readonly number[]; pixels?: Float32Array; name?: string }) =>
    core.imageDataset({
      images: core.tensor([fixture.count, 1, 4, 4], more.pixels ?? fixture.pixels),
      labels: more.labels ?? fixture.labels,
      classes: ["0", "1", "2", "3"],
      name: more.name ?? "quarters",
    });
  const darker = fixture.pixels.map((v, i) => (i === 3 ? v / 2 : v));
  const otherNetwork = () => {
    const changed = Uint8Array.from(bytes);
    const floats = new DataView(changed.buffer);
    // The last float32 1 of the weights becomes 1 + 2⁻²³.
    for (let at = changed.length - 4; at >= 0; at--)
      if (floats.getUint32(at, true) === 0x3f800000) {
        floats.setUint32(at, 0x3f800001, true);
        return changed;
      }
    throw new Error("no weight of 1");
  };

  it.each<[string, object, RegExp]>([
    ["labels", { data: data({ labels: fixture.labels.map((l) => (l + 1) % 4) }) }, /label/],
    [
      "pixels",
      { data: data({ pixels: darker }) },
      /the checksum of its image is .{8}, but that of test image 0/,
    ],
    ["the name of the data", { data: data({ name: "others" }) }, /proofs with data/],
    ["the time limit", { proveSeconds: 3 }, /proofs with proveSeconds/],
    ["mean and std", { mean: [0.1], std: [1.5] }, /proofs with (reading|network)/],
  ])("refuses rows of other %s", async (_, more, message) => {
    const resumed = auditIn(await proofsOnly(), { ...small, resume: true, ...more });
    await expect(resumed).rejects.toThrow(message);
    await expect(resumed).rejects.toBeInstanceOf(core.UsageError);
  });

  it("refuses rows of another file, and of another graph with the same weights", async () => {
    const request = { ...options, ...small, device, data: dataset, name: "quarters.onnx" };
    const of = (file: Uint8Array, copy: core.Storage) =>
      core.audit(file, { ...request, out: copy, resume: true });
    await expect(of(otherNetwork(), await proofsOnly())).rejects.toThrow(/proofs with model/);
    const graph = await proofsOnly((name, text) => {
      if (!name.endsWith("settings.json")) return text;
      const settings = openedJson(name, text, "");
      return sealedJson({
        ...settings,
        compared: { ...(settings.compared as object), network: "0" },
      });
    });
    await expect(of(bytes, graph)).rejects.toThrow(/proofs with network "0"/);
  });

  it("refuses rows of another runtime", async () => {
    const other = await nodeRuntime({ threads: 2, lowering: "plain" });
    const resumed = auditIn(await proofsOnly(), {
      ...small,
      resume: true,
      device: other,
    });
    await expect(resumed).rejects.toThrow(/proofs with runtime/);
  });

  it("counts neither images nor radii that it is not about", async () => {
    const { proofs } = await auditIn(await proofsOnly(), {
      ...small,
      resume: true,
      examples: 1,
      epsilonLinf: [0.17, 0.05],
    });
    expect(
      proofs?.balls.map((ball) => [ball.epsilon, ball.proven + ball.broken + ball.undecided]),
    ).toEqual([
      [0.05, 1],
      [0.17, 1],
    ]);
  });
});
