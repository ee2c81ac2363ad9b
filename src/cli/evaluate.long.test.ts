import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { typed } from "../../test/fixtures/typed-fixture.ts";
import type { Row } from "../evaluate/row.ts";
import { rowOfLine } from "../files/row-lines.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-cli-evaluate-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const place = () => join(folder, `rows ${made++}.jsonl`);
const model = join(folder, "rat");

const small = [
  "--examples",
  "6",
  "--steps",
  "2",
  "--eot",
  "2",
  "--draws",
  "4",
  "--batch",
  "6",
  "--objective",
  "mean-loss",
  "--cw-steps",
  "2",
  "--cw-searches",
  "2",
];
const start = (out: string, ...more: string[]) => [
  "evaluate",
  model,
  "--out",
  out,
  ...small,
  ...more,
];
const rowsOf = (out: string): Row[] =>
  readFileSync(out, "utf8")
    .trim()
    .split("\n")
    .map((line) => rowOfLine(line).value as Row);
const bare = (rows: readonly Row[]) => rows.map(({ seconds: _, model: __, ...row }) => row);

const whole = place();
let printed: string;
beforeAll(async () => {
  const training = ["--model", "cnn-small", "--data", "shapes", "--examples", "64", "--steps", "1"];
  const words = ["train", "--defense", "rat-linf-uniform", ...training, "--epochs", "1"];
  expect((await typed([...words, "--out", model])).code).toBe(0);
  const evaluated = await typed(start(whole));
  expect(evaluated.code).toBe(0);
  printed = evaluated.out;
});

describe("rampart evaluate", () => {
  it("prints clean, each attack, the union and the min of means, and says what they are of", () => {
    for (const text of [
      "sound protocol, 6 images",
      "clean",
      "pgd-linf",
      "pgd-l2",
      "union",
      "min of means",
    ])
      expect(printed).toContain(text);
    expect(printed).toContain(`rows: ${whole}`);
    const rows = rowsOf(whole);
    expect(rows).toHaveLength(12);
    expect(rows[0]).toMatchObject({
      model: "rat",
      defense: "rat-linf-uniform",
      data: "shapes",
      protocol: "sound",
      attack: "pgd-linf",
      epsilon: 0.031,
      objective: "mean-loss",
      eot: 2,
      draws: 4,
    });
    const settings = JSON.parse(readFileSync(whole.replace("jsonl", "settings.json"), "utf8"));
    expect(settings.model).toMatchObject({
      architecture: "cnn-small",
      noise: "uniform:0.2",
      config: { epochs: 1 },
      training: [{ epoch: 1 }],
    });
  });

  it("finds in an exported file the noise and the network of the run", async () => {
    const [file, out] = [join(folder, "rat.onnx"), place()];
    await typed(["export", model, "--out", file]);
    const { code, err } = await typed([
      "evaluate",
      file,
      "--out",
      out,
      ...small,
      "--attacks",
      "pgd-linf",
    ]);
    expect([code, err]).toEqual([0, expect.anything()]);
    const expected = rowsOf(whole).filter(({ attack }) => attack === "pgd-linf");
    expect(bare(rowsOf(out))).toEqual(bare(expected));
  });

  it("prints rows as JSON, and a curve as several radii", async () => {
    const words = ["--attacks", "pgd-linf,none", "--epsilon-linf", "2/255,8/255", "--json"];
    const { out } = await typed(start(place(), ...words));
    const rows: Row[] = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter((line) => "index" in line);
    expect(rows).toHaveLength(6 * 3);
    expect(new Set(rows.map(({ epsilon }) => epsilon))).toEqual(new Set([2 / 255, 8 / 255, null]));
  });

  it("judges by the published protocol too, and says so in what it prints", async () => {
    const out = place();
    const words = ["--protocol", "published", "--attacks", "pgd-linf,cw-l2", "--objective"];
    const { code, out: printed } = await typed(start(out, ...words, "mean-logits"));
    expect(code).toBe(0);
    expect(printed).toContain("published protocol, 6 images, scored without its noise");
    expect(printed.indexOf("min of means")).toBeLessThan(printed.indexOf("union"));
    const rows = rowsOf(out);
    expect(rows).toHaveLength(12);
    for (const { attack, epsilon, draws, oneDraw } of rows) {
      expect(epsilon).toBe(attack === "cw-l2" ? null : 0.031);
      expect([draws, [0, 1].includes(oneDraw ?? -1)]).toEqual([1, true]);
    }
  });

  it("sweeps EOT draws and C&W's radii, and says where the curve settles", async () => {
    const out = place();
    const words = ["--attacks", "pgd-linf,cw-l2", "--eot", "1,2", "--epsilon-l2", "0.5,1"];
    const { code, out: printed } = await typed(start(out, ...words, "--examples", "2"));
    expect(code).toBe(0);
    expect(rowsOf(out)).toHaveLength(2 * 2 * (1 + 2));
    expect(printed).toMatch(/EOT, pgd-linf, ε 0\.031: .* at 1 and .* at 2: (not )?settled at/);
    const settings = JSON.parse(readFileSync(out.replace("jsonl", "settings.json"), "utf8"));
    expect(settings.options).toMatchObject({ eot: [1, 2], objective: "mean-loss", cwSearches: 2 });
  });

  it("stops on Ctrl-C and prints the command that goes on, which does", async () => {
    const out = place();
    const stopped = await typed(start(out), "evaluating: 1/12");
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain(`\n  rampart evaluate ${model} --out '${out}'`);
    expect(rowsOf(out).length).toBeLessThan(12);
    expect((await typed(start(out, "--resume"))).code).toBe(0);
    expect(bare(rowsOf(out))).toEqual(bare(rowsOf(whole)));
  });

  it.each([
    [["--attacks", "pgd-lnf"], "unknown attack pgd-lnf; did you mean pgd-linf?"],
    [["--protocol", "publishd"], "unknown protocol publishd; did you mean published?"],
    [["--objective", "mean-logit"], "unknown objective mean-logit; did you mean mean-logits?"],
    [["--protocol", "published", "--objective", "worst"], "objective worst is how the sound"],
    [["--protocol", "published", "--rule", "mean:2"], "rule mean:2 has no meaning"],
    [["--eot", "1,0"], "--eot"],
    [["--epsilon-linf", "0.01,8"], "did you mean 8/255?"],
    [["--epsilon-l2", "83"], "epsilon is 83"],
    [["--rule", "majority:3"], "use a multiple of 6"],
    [["--rule", "vote:3"], "unknown rule vote"],
    [["--noise", "uniform:20"], "did you mean uniform:20/255?"],
    [["--data", "shape"], "unknown data set shape; did you mean shapes?"],
    [["--device", "gpu"], "there is no device gpu; use cpu, webgpu, cuda"],
    [["--stepz", "3"], "unknown option --stepz; did you mean --steps?"],
  ])("%j is refused, and nothing is written", async (words, message) => {
    const out = place();
    const { code, err } = await typed(start(out, ...words));
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(
      readdirSync(folder).filter((name) => join(folder, name).startsWith(out.slice(0, -6))),
    ).toEqual([]);
  });

  it("says what a model may be when there is none", async () => {
    const { code, err } = await typed(["evaluate", join(folder, "nothing"), "--out", place()]);
    expect([code, err]).toEqual([
      2,
      expect.stringContaining("there is no such run directory or file"),
    ]);
  });
});
