import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as fixture from "../../test/fixtures/audit-fixture.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Row } from "../evaluate/row.ts";
import * as core from "../index.ts";
import * as node from "../node.ts";

const data = `npz:${fixture.data}`;
let device: Runtime;
let dataset: core.Dataset;
let path: string;
let bytes: Uint8Array;

beforeAll(async () => {
  device = await node.nodeRuntime({ threads: 1 });
  const images = core.tensor([fixture.count, 1, 4, 4], fixture.pixels);
  const classes = ["0", "1", "2", "3"];
  dataset = core.imageDataset({ images, labels: fixture.labels, classes, name: data });
  path = fixture.network("quarters");
  bytes = readFileSync(path);
});

afterAll(fixture.removeFolder);

/** Rows without their times. */
const timeless = (rows: readonly Row[]) => rows.map(({ seconds: _, ...row }) => row);
const text = (bytesOfText: Uint8Array) => new TextDecoder().decode(bytesOfText);

describe("from bytes, and with results in memory,", () => {
  const options = { attacks: ["pgd-linf", "fgsm-l2"], examples: 6, steps: 3 } as const;

  it("evaluate gives the rows of rampart/node", async () => {
    const expected = await node.evaluate(await node.openModel(path), { ...options, data, device });
    const model = await core.importModel(bytes, { device, name: "quarters.onnx" });
    const out = core.memoryStorage("memory");
    const rows = await core.evaluate(model, { ...options, data: dataset, device, out });
    expect(timeless(rows)).toEqual(timeless(expected));
    expect(model.weights).toBe((await node.openModel(path)).weights);
    const again = await core.evaluate(model, {
      ...options,
      data: dataset,
      device,
      out,
      resume: true,
    });
    expect(again).toEqual(rows);
    const refused = core.evaluate(model, { ...options, data: dataset, device, out });
    await expect(refused).rejects.toMatchObject({ code: "in-use" });
  });

  it("audit finds the result, and writes the files, of rampart/node", async () => {
    const auditing = { examples: 6, budget: "quick", norms: "linf", epsilonLinf: 0.2 } as const;
    const folder = fixture.place();
    const expected = await node.audit(path, { ...auditing, data, device, out: folder });
    const out = core.memoryStorage("memory");
    const found = await core.audit(bytes, {
      ...auditing,
      name: "quarters.onnx",
      data: dataset,
      device,
      out,
    });
    const plain = (value: object) =>
      JSON.parse(JSON.stringify(value, (key, one) => (key === "seconds" ? 0 : one)));
    expect(plain(found)).toEqual(plain(expected));
    for (const name of await out.list("pictures"))
      expect(Buffer.from(await out.read(`pictures/${name}`))).toEqual(
        readFileSync(join(folder, "pictures", name)),
      );
    expect((await out.list("pictures")).length).toBeGreaterThan(1);
    const html = text(await out.read("report.html"));
    expect(html).toContain("Audit of quarters.onnx");
    expect(html.length).toBeGreaterThan(10_000);
  });

  it("report writes rows, or a storage with its settings and images, as text", async () => {
    const model = await core.importModel(bytes, { device });
    const out = core.memoryStorage("memory");
    const rows = await core.evaluate(model, { ...options, data: dataset, device, out });
    const csv = await core.report([rows], { format: "csv" });
    expect(csv.trim().split("\n").length).toBeGreaterThan(2);
    expect(await core.report([rows])).toContain("<html");
    expect(await core.report([rows], { format: "md" })).toContain("no settings beside it");
    expect(await core.report([out], { format: "md" })).not.toContain("no settings beside it");
  });

  it("accepts a sidecar's contents and class names instead of files", async () => {
    const notes: string[] = [];
    const { preprocessing } = await core.audit(bytes, {
      data: dataset,
      device,
      examples: 2,
      budget: "quick",
      norms: "linf",
      preprocessing: { mean: [0.5] },
      classes: ["0", "1", "2", "3"],
      note: (line) => notes.push(line),
    });
    expect(preprocessing).toContain("− mean 0.5");
    expect(notes.join("\n")).toContain("preprocessing.json");
  });
});

describe("a wrong call is a UsageError:", () => {
  it.each([
    ["a path instead of bytes", () => core.importModel("m.onnx" as never), "bad-option"],
    [
      "bytes of another format",
      () => core.importModel(new TextEncoder().encode("<html>")),
      "bad-file",
    ],
    ["no runtime", () => core.audit(bytes, { data: dataset }), "missing-option"],
    ["a folder of images", () => core.audit(bytes, { data: "folder:a", device }), "bad-option"],
    ["no images", () => core.audit(bytes, { device }), "missing-option"],
    [
      "a folder for results",
      () => core.audit(bytes, { data: dataset, out: "a" as never, device }),
      "bad-option",
    ],
    [
      "a folder of data",
      () => core.audit(bytes, { dataDir: "a", device } as never),
      "unknown-option",
    ],
    [
      "an unknown option",
      () => core.audit(bytes, { maen: [1], device } as never),
      "unknown-option",
    ],
    [
      "a path of a sidecar",
      () => core.audit(bytes, { data: dataset, device, preprocessing: "a.json" as never }),
      "bad-option",
    ],
    ["a model that is not open", () => core.evaluate(bytes as never, { device }), "bad-option"],
    ["a report of nothing", () => core.report([]), "missing-option"],
    ["a report of no rows", () => core.report([[]]), "missing-option"],
    [
      "a report in no format",
      () => core.report([[{}]] as never, { format: "pdf" as never }),
      "bad-option",
    ],
    ["a report of other values", () => core.report([[{ index: 1 }]] as never), "bad-file"],
    ["a report of an empty storage", () => core.report([core.memoryStorage()]), "not-found"],
  ])("%s", async (_, call, code) => {
    await expect(call()).rejects.toMatchObject({ code });
  });
});
