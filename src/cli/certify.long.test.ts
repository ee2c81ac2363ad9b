// Long: every case is a whole call of the command, most of them on a network that ONNX Runtime compiles.
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { typed } from "../../test/fixtures/typed-fixture.ts";
import type { CertificateRow } from "../certify/row.ts";
import { npzBytes } from "../data/npz.ts";
import { tensor } from "../math/tensor.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-cli-certify-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const place = () => join(folder, `cert ${made++}.jsonl`);

/** Images of one row of four pixels, of class 1 if the first one is bright; on the grid of 8-bit pixels or not. */
function images(name: string, levels: readonly number[], off = 0): string {
  const path = join(folder, name);
  const pixels = levels.flatMap((level) => [level / 255 + off, 0.2, 0.4, 0.6]);
  const x = tensor([levels.length, 1, 1, 4], pixels);
  writeFileSync(
    path,
    npzBytes({
      x,
      y: tensor(
        [levels.length],
        levels.map((level) => (level > 100 ? 1 : 0)),
      ),
    }),
  );
  return `npz:${path}`;
}
const data = images("grid.npz", [250, 20, 180, 90, 10, 240]);

/** Logits 0 and the first pixel less 0.401, as somebody else's file; `random` adds an operator that draws numbers. */
function network(name: string, random = false): string {
  const path = join(folder, name);
  const flat = nodeOf("Flatten", [random ? "noisy" : "x"], ["flat"]);
  const gemm = nodeOf("Gemm", ["flat", "w", "b"], ["z"]);
  const draws = [
    nodeOf("RandomNormalLike", ["x"], ["eta"]),
    nodeOf("Add", ["x", "eta"], ["noisy"]),
  ];
  const file = onnxFile(random ? [...draws, flat, gemm] : [flat, gemm], {
    inputs: { x: ["n", 1, 1, 4] },
    outputs: { z: ["n", 2] },
    arrays: { w: tensor([4, 2], [0, 1, 0, 0, 0, 0, 0, 0]), b: tensor([2], [0, -0.401]) },
  });
  writeFileSync(path, file);
  return path;
}
const model = network("stranger.onnx");

const words = (out: string, ...more: string[]) => {
  const given = [model, "--data", data, "--noise", "normal:0.12", "--n", "400", "--n0", "20"];
  return ["certify", ...given, "--batch", "50", "--out", out, ...more];
};
const rowsOf = (out: string): CertificateRow[] =>
  readFileSync(out, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const timeless = (out: string) =>
  rowsOf(out).map((row) => Object.assign({}, row, { seconds: 0, crc: "" }));

describe("rampart certify", () => {
  it("goes on, after Ctrl-C and a torn line, with the rows of a run that was not stopped", async () => {
    const [whole, parts] = [place(), place()];
    const { code, out } = await typed(words(whole));
    expect(code).toBe(0);
    expect(out).toContain("certified accuracy of 6 images under normal:0.12");
    const stopped = await typed(words(parts), "certifying: 1/6");
    expect(stopped.err).toContain("--resume");
    expect(rowsOf(parts).length).toBeLessThan(6);
    appendFileSync(parts, '{"index":3,"lab');
    expect((await typed(words(parts, "--resume"))).code).toBe(0);
    expect(timeless(parts)).toEqual(timeless(whole));
    for (const { label, prediction, radius } of rowsOf(whole))
      if (prediction === label) expect(radius.l2).toBeLessThan(0.6);
  });

  it.each([
    ["--batch", "100"],
    ["--noise", "normal:0.13"],
    ["--n", "500"],
    ["--alpha", "0.01"],
    ["--seed", "7"],
    ["--threads", "3"],
    ["--sampling", "naive"],
  ])("does not go on with another %s", async (flag, value) => {
    const out = place();
    await typed(words(out, "--examples", "1", "--threads", "1"));
    const before = readFileSync(out, "utf8");
    const others = words(out, "--resume", "--threads", "1");
    const at = others.lastIndexOf(flag);
    const changed = at < 0 ? [...others, flag, value] : others.toSpliced(at + 1, 1, value);
    const { code, err } = await typed(changed);
    expect(code).toBe(2);
    expect(err).toContain("holds rows with");
    expect(readFileSync(out, "utf8")).toBe(before);
  });

  it("predicts classes without radii, and counts all draws of splitting noise", async () => {
    const [predicted, split] = [place(), place()];
    expect((await typed(words(predicted, "--predict"))).code).toBe(0);
    for (const { prediction, label, radius, n0 } of rowsOf(predicted)) {
      expect([prediction, n0, radius.l2]).toEqual([label, 0, 0]);
    }
    expect((await typed(words(split, "--noise", "splitting:0.6"))).code).toBe(0);
    for (const { components, alpha, noise } of rowsOf(split)) {
      expect([noise, components[0].n, alpha]).toEqual(["splitting:0.6", 306, 0]);
      expect(components[0].counts.reduce((sum, count) => sum + count, 0)).toBe(306);
    }
  });
});

it("a network trained under splitting noise states it, and is certified under it", async () => {
  const run = join(folder, "split");
  const training = ["train", "--defense", "ni-splitting", "--noise", "splitting:1.5", "--out", run];
  const small = ["--model", "mlp-small", "--data", "shapes", "--recipe", "short"];
  const trained = await typed([...training, ...small, "--epochs", "1", "--examples", "64"]);
  expect(trained.code).toBe(0);
  const out = place();
  const { code, err } = await typed(["certify", run, "--examples", "2", "--out", out]);
  expect(code).toBe(0);
  expect(err).toContain("has 765 draws on an 8-bit image");
  for (const { noise, components, radius } of rowsOf(out)) {
    const { counts, n } = components[0];
    const [first, second] = counts.toSorted((a, b) => b - a);
    expect([noise, n]).toEqual(["splitting:1.5", 765]);
    expect(radius.l1).toBeLessThanOrEqual((first - second) / 510);
    expect(radius.l1).toBeGreaterThanOrEqual((first - second - 1) / 510);
  }
});

describe("a wrong call of rampart certify ends with code 2, writes nothing and says what would work:", () => {
  const off = images("off.npz", [100, 200], 0.001);
  const random = network("random.onnx", true);

  it.each([
    [
      "a noise without a certificate",
      ["--noise", "generalized-normal:3:0.3"],
      "use normal, laplace",
    ],
    ["an unknown noise", ["--noise", "gauss:0.3"], "unknown noise gauss"],
    ["noise for 255 levels", ["--noise", "normal:30"], "did you mean normal:30/255?"],
    ["α = 0", ["--alpha", "0"], "alpha must be between 0 and 1, got 0; 0.001 is usual"],
    ["α = 1", ["--alpha", "1"], "got 1; 0.001 is usual"],
    ["one draw", ["--n", "1"], "n must be an integer of at least 2, got 1"],
    ["half a draw", ["--n", "10.5"], "got 10.5"],
    ["no draw for the class", ["--n0", "0"], "n0 must be a positive integer"],
    [
      "images off the grid in sound mode",
      ["--data", off, "--sampling", "sound"],
      "use --sampling naive",
    ],
    [
      "images off the grid and splitting noise",
      ["--data", off, "--noise", "splitting:0.5"],
      "use 8-bit images",
    ],
    [
      "naive splitting noise",
      ["--noise", "splitting:0.5", "--sampling", "naive"],
      "leave out --sampling naive",
    ],
    ["λ between two half levels", ["--noise", "splitting:0.15"], "did you mean splitting:77/510?"],
    [
      "noise that no integer draws, in sound mode",
      ["--noise", "exp-linf", "--sampling", "sound"],
      "use --sampling naive",
    ],
    ["a target that no p reaches", ["--sequential", "--target", "3"], "got the target 3"],
    ["a norm without a radius", ["--norms", "l3"], "l2"],
    ["a target without a test", ["--target", "0.5"], "add --sequential"],
    [
      "a test of a mixture in parts",
      ["--noise", "mix-image", "--sequential", "--target", "0.1", "--norms", "l1"],
      "leave out --sequential",
    ],
  ])("%s", async (_, more, message) => {
    const out = place();
    const { code, err } = await typed(words(out, ...more));
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  it("a file with random operators", async () => {
    const out = place();
    const { code, err } = await typed([
      "certify",
      random,
      "--data",
      data,
      "--noise",
      "normal:0.1",
      "--out",
      out,
    ]);
    expect(err).toContain("declare pixel noise with --noise");
    expect(code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  it("a model that states no noise", async () => {
    const { code, err } = await typed(["certify", model, "--data", data, "--out", place()]);
    expect(err).toContain("add --noise normal:0.25");
    expect(code).toBe(2);
  });
});
