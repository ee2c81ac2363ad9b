import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { brightness, brightnessData } from "../../test/fixtures/brightness.ts";
import type { Victim } from "../attacks/victim.ts";
import { parseNpz } from "../data/npz.ts";
import { input } from "../engine/graph/ops.ts";
import { rowOfLine } from "../files/row-lines.ts";
import { besideRows as beside } from "../files/rows/rows-file.ts";
import { tensor } from "../math/tensor.ts";
import type { Model } from "./model.ts";
import { type EvaluateEvent, evaluateInNode, type NodeEvaluation } from "./node.ts";
import { EvaluateOptions } from "./options.ts";
import type { Row } from "./row.ts";
import { rowName } from "./runs.ts";

const data = await brightnessData();
const model: Model = {
  path: "runs/a",
  name: "a",
  defense: "ni-uniform",
  data: "another",
  noise: "uniform:0.3",
  classNames: data.classes,
  config: { epochs: 3 },
  input: { shape: [1, 2, 2], classes: 2, mean: [0.5], std: [0.2] },
  architecture: {
    name: "brightness",
    inputShape: [1, 2, 2],
    classes: 2,
    parameters: [],
    dropout: { rate: 0, masks: {} },
    forward: () => ({ logits: input("logits", [1, 2]), statistics: {} }),
  },
  parameters: { weight: tensor([1], [8]) },
};
const target = { device: "cpu", threads: 1, lowering: "plain", engine: "none 1" };
const small = {
  draws: 8,
  eot: [2],
  objective: "mean-loss",
  steps: 3,
  batch: 6,
  epsilonLinf: [0.05, 0.1],
};

let folder: string;
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rampart-evaluate-"));
});
afterAll(() => rm(folder, { recursive: true }));
const place = () => join(folder, `rows-${made++}.jsonl`);

type Where = Partial<NodeEvaluation>;
const start = (out: string, where: Where = {}, options: object = {}, from: Model = model) =>
  evaluateInNode(from, EvaluateOptions.parse({ ...small, ...options }), {
    network: brightness,
    target,
    data,
    out,
    saveExamples: 3,
    ...where,
  });

async function all(events: AsyncGenerator<EvaluateEvent>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const { row } of events) rows.push(row);
  return rows;
}
const stored = async (out: string): Promise<Row[]> =>
  (await readFile(out, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => rowOfLine(line).value as Row);
/** Rows without what depends on how the work was divided. */
const bare = (rows: readonly Row[]) =>
  rows
    .map(({ seconds: _, queries: __, ...row }) => row)
    .sort((a, b) => rowName(a).localeCompare(rowName(b)));
const images = async (out: string) => parseNpz("p", await readFile(beside(out, "examples.npz")));

describe("an evaluation", () => {
  it("leaves rows, settings and images that belong together", async () => {
    const out = place();
    const rows = await all(start(out));
    expect(await stored(out)).toEqual(rows);
    expect(rows).toHaveLength(12 * 3);
    const settings = JSON.parse(await readFile(beside(out, "settings.json"), "utf8"));
    expect(settings).toMatchObject({
      model: {
        noise: "uniform:0.3",
        noiseText: "uniform noise from −0.3 to 0.3 on pixels in [0, 1]",
        classNames: ["dark", "bright"],
      },
      options: { epsilonLinf: [0.05, 0.1], examples: 1000, seed: 0, noise: "uniform:0.3" },
      data: "toy",
      target,
    });
    const saved = await images(out);
    const adversarial = saved.get("pgd-linf@0.1/adversarial");
    const original = saved.get("pgd-linf@0.1/original");
    expect(original?.shape).toEqual([3, 1, 2, 2]);
    for (const index of [0, 1, 2]) {
      const pixels = [0, 1, 2, 3].map((pixel) => 4 * index + pixel);
      const distances = pixels.map((at) =>
        Math.abs(Number(adversarial?.data[at]) - Number(original?.data[at])),
      );
      const row = rows.find((one) => one.index === index && one.epsilon === 0.1);
      expect(Math.max(...distances)).toBeCloseTo(row?.linf ?? -1, 6);
    }
  });

  it("keeps of several numbers of EOT draws the images of the largest", async () => {
    const out = place();
    const options = { protocol: "published", objective: "mean-logits", cwSearches: 3 };
    const rows = await all(start(out, {}, { ...options, eot: [1, 8], attacks: ["cw-l2"] }));
    expect(rows).toHaveLength(12 * 2);
    const saved = await images(out);
    const [adversarial, original] = ["adversarial", "original"].map((part) =>
      saved.get(`cw-l2/${part}`),
    );
    const l2 = [0, 1, 2].map((index) =>
      Math.hypot(
        ...[0, 1, 2, 3].map(
          (pixel) =>
            Number(adversarial?.data[4 * index + pixel]) -
            Number(original?.data[4 * index + pixel]),
        ),
      ),
    );
    const of = (eot: number) => rows.filter((row) => row.index < 3 && row.eot === eot);
    expect(l2).toEqual(of(8).map((row) => expect.closeTo(row.l2, 6)));
    expect(l2).not.toEqual(of(1).map((row) => expect.closeTo(row.l2, 6)));
  });

  it("that is cut off at any byte resumes to the same rows", async () => {
    const out = place();
    const whole = bare(await all(start(out)));
    const bytes = (await readFile(out)).length;
    for (const kept of [0, 1, 0.3, 0.61, 0.999].map((share) => Math.floor(share * bytes))) {
      await truncate(out, kept);
      expect(bare(await all(start(out, { resume: true })))).toEqual(whole);
      expect(bare(await stored(out))).toEqual(whole);
    }
  });

  it("keeps the images of every row that it wrote, wherever it is killed", async () => {
    for (const rows of [1, 2, 5, 20]) {
      const out = place();
      let left = rows;
      for await (const _ of start(out)) if (--left === 0) break;
      await all(start(out, { resume: true }));
      for (const name of ["pgd-linf@0.05", "pgd-linf@0.1", "pgd-l2@0.83"])
        expect((await images(out)).get(`${name}/index`)?.data).toEqual(Float32Array.of(0, 1, 2));
    }
  });

  it("stops within an attack when its signal aborts, and goes on later", async () => {
    const out = place();
    const whole = bare(await all(start(place())));
    const interrupt = new AbortController();
    let calls = 0;
    const network: Victim = {
      ...brightness,
      logits: (x, keys) => {
        if (++calls === 40) interrupt.abort();
        return brightness.logits(x, keys);
      },
    };
    const first = await all(start(out, { network, signal: interrupt.signal }));
    expect(calls).toBe(40);
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(whole.length);
    expect(await stored(out)).toEqual(first);
    expect(bare(await all(start(out, { resume: true })))).toEqual(whole);
  });

  it("does not hide an error of the network behind an interruption", async () => {
    const interrupt = new AbortController();
    const network: Victim = {
      ...brightness,
      logits: async () => {
        interrupt.abort();
        throw new Error("out of memory");
      },
    };
    await expect(all(start(place(), { network, signal: interrupt.signal }))).rejects.toThrow(
      "out of memory",
    );
  });

  it("may be extended by more examples, which are computed alone", async () => {
    const out = place();
    await all(start(out, {}, { examples: 5 }));
    const rows = await all(start(out, { resume: true }, { examples: 12 }));
    expect(bare(rows)).toEqual(bare(await all(start(place()))));
  });

  it("says when a resumed file may differ in its last bits", async () => {
    const out = place();
    await all(start(out, {}, { examples: 2 }));
    const codes: string[] = [];
    const where = { resume: true, target: { ...target, threads: 2 } };
    await all(start(out, { ...where, note: ({ code }) => void codes.push(code) }));
    expect(codes).toEqual(["trained-on", "other-target"]);
  });
});

describe("an evaluation is refused", () => {
  const filesOf = (out: string) => [out, beside(out, "settings.json"), beside(out, "examples.npz")];
  const retrained = { ...model, parameters: { weight: tensor([1], [9]) } };
  it.each<[string, Where, object, Model, string]>([
    ["over rows that exist", {}, {}, model, "already holds rows; continue them with --resume"],
    [
      "with other options",
      { resume: true },
      { steps: 4, seed: 2 },
      model,
      "holds rows with steps 3, seed 0, but this run has steps 4, seed 2",
    ],
    [
      "with other noise",
      { resume: true },
      { noise: "uniform:0.1" },
      model,
      "noise uniform:0.3, but this run has noise uniform:0.1",
    ],
    ["after further training", { resume: true }, {}, retrained, "holds rows with weights"],
  ])("%s, and nothing is touched", async (_, where, options, from, message) => {
    const out = place();
    await all(start(out, {}, { examples: 2 }));
    const files = () => Promise.all(filesOf(out).map((name) => readFile(name, "latin1")));
    const before = await files();
    await expect(all(start(out, where, options, from))).rejects.toThrow(message);
    const after = await files();
    expect(after).toEqual(before);
  });

  it("while another one writes the same rows", async () => {
    const out = place();
    const first = start(out);
    await first.next();
    await expect(all(start(out, { resume: true }))).rejects.toThrow("in use by process");
    await first.return();
    expect(await all(start(out, { resume: true }))).toHaveLength(36);
  });

  it.each([
    [{ shape: [1, 3, 3] }, "has images of [1, 3, 3], runs/a takes [1, 2, 2]"],
    [{ classes: ["dark", "bright", "grey"] }, "has 3 classes, runs/a has 2 outputs"],
    [{ classes: ["bright", "dark"] }, "class 0 is bright in toy and dark in runs/a"],
  ])("on data that does not fit: %j", async (look, message) => {
    const out = place();
    await expect(all(start(out, { data: { ...data, ...look } }))).rejects.toThrow(message);
    expect((await readdir(folder)).filter((name) => out.includes(name))).toEqual([]);
  });

  it("where it may not write", async () => {
    const file = join(folder, "a file");
    await writeFile(file, "");
    await expect(all(start(join(file, "rows.jsonl")))).rejects.toThrow(
      "a file is in the place of its folder",
    );
    await expect(all(start(join(file, "deeper", "rows.jsonl")))).rejects.toThrow("not a folder");
  });
});
