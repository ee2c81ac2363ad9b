import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditResult } from "../audit/result.ts";
import { npzBytes } from "../data/npz.ts";
import type { Row } from "../evaluate/row.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { audit } from "../node.ts";
import { nodeOf, onnxFile } from "../onnx/model-fixture.ts";
import { rampart } from "./main.ts";
import { run } from "./program.ts";
import { typed as typedWords } from "./typed-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-cli-audit-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const typed = (words: readonly string[], stopAt?: string) =>
  typedWords(["audit", ...words], stopAt);
const place = () => join(folder, `audit-${made++}`);

/** 40 pictures of 4×4 whose class is the quarter that is bright, by 0.4 more than the others or a little less. */
const count = 40;
const [size, quarter] = [16, (pixel: number) => 2 * Number(pixel >= 8) + Number(pixel % 4 >= 2)];
const jitter = uniform(keysFor(keyOf(1), [...Array(count).keys()]), [count, size], 0, 0.1);
const labels = Array.from({ length: count }, (_, i) => i % 4);
const pixels = jitter.data.map(
  (value, at) => 0.3 + value + (quarter(at % size) === labels[Math.floor(at / size)] ? 0.4 : 0),
);
const data = join(folder, "quarters.npz");
writeFileSync(data, npzBytes({ x: tensor([count, 1, 4, 4], pixels), y: tensor([count], labels) }));

/** Logits: the sum of each quarter, in the order of `outputs`, plus a bias; `before` stands in front. */
function network(
  name: string,
  { outputs = [0, 1, 2, 3], bias = [0, 0, 0, 0], round = false, gain = 1 } = {},
): string {
  const path = join(folder, `${name}.onnx`);
  const weights = tensor([size, 4]);
  for (let pixel = 0; pixel < size; pixel++)
    weights.data[4 * pixel + outputs[quarter(pixel)]] = gain;
  const nodes = [
    ...(round
      ? [
          nodeOf("Mul", ["x", "ten"], ["scaled"]),
          nodeOf("Round", ["scaled"], ["rounded"]),
          nodeOf("Flatten", ["rounded"], ["flat"]),
        ]
      : [nodeOf("Flatten", ["x"], ["flat"])]),
    nodeOf("Gemm", ["flat", "w", "b"], ["z"]),
  ];
  writeFileSync(
    path,
    onnxFile(nodes, {
      ...{ inputs: { x: ["n", 1, 4, 4] }, outputs: { z: ["n", 4] } },
      arrays: { w: weights, b: tensor([4], bias), ...(round && { ten: tensor([1], [10]) }) },
    }),
  );
  return path;
}
const good = network("good");
const words = (model: string, out: string, ...more: string[]) => [
  ...[model, "--data", `npz:${data}`, "--out", out, "--budget", "quick"],
  ...more,
];
const resultOf = (out: string): AuditResult =>
  JSON.parse(readFileSync(join(out, "summary.json"), "utf8"));
const rowsOf = (out: string): Row[] =>
  readFileSync(join(out, "rows.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const codes = (out: string) => resultOf(out).diagnostics.map(({ code }) => code);
const both = ["--epsilon-linf", "0.05", "--epsilon-l2", "0.9"];

describe("rampart audit", () => {
  const out = place();
  let printed: string;
  beforeAll(async () => {
    const { code, out: text, err } = await typed(words(good, out, ...both));
    expect([code, err]).toEqual([0, expect.anything()]);
    printed = text;
  });

  it("finds what a linear network holds and what it does not", () => {
    // The margin is 1.6 ± 0.4 in the difference of two sums of four pixels: ℓ∞ 0.2 ± 0.05, ℓ2 (1.6 ± 0.4) / √8 = 0.57 ± 0.14.
    const { clean, union, norms, diagnostics } = resultOf(out);
    expect([clean.mean, union.mean]).toEqual([1, 0]);
    expect(norms.map(({ norm, accuracy }) => [norm, accuracy.mean])).toEqual([
      ["linf", 1],
      ["l2", 0],
    ]);
    expect(diagnostics).toEqual([]);
    expect(norms[0].attacks.map(({ attack, tried }) => [attack, tried])).toEqual([
      ["fgsm-linf", 40],
      ["apgd-ce-linf", 40],
      ["apgd-dlr-linf", 40],
      ["square-linf", 40],
    ]);
  });

  it("spends later attacks of a norm on what earlier ones left", () => {
    const [, { attacks }] = resultOf(out).norms;
    const rows = rowsOf(out);
    let left = 40;
    for (const { attack, tried, broken } of attacks) {
      expect(tried).toBe(left);
      expect(rows.filter((row) => row.attack === attack)).toHaveLength(tried);
      left -= broken;
    }
    expect(left).toBe(0);
  });

  it("prints verdict, tables and where its files are", () => {
    for (const text of [
      "good.onnx on npz:",
      "40 images, budget quick, deterministic",
      "0.0 % [0.0–8.8] of images are right under attack in ℓ∞ 0.05 or ℓ2 0.9, 100.0 % without",
      "union of all attacks",
      "after rounding to 8 bits",
      "worst classes:",
      "no diagnostic fired",
      `wrote ${join(out, "summary.json")}`,
    ])
      expect(printed).toContain(text);
  });

  it("leaves rows, settings, pictures and a page", () => {
    const names = readdirSync(out);
    for (const name of ["rows.jsonl", "rows.settings.json", "rows.examples.npz", "report.html"])
      expect(names).toContain(name);
    const page = readFileSync(join(out, "report.html"), "utf8");
    expect(page).toContain('<h2 id="audit">Verdict on good.onnx</h2>');
    expect(page).not.toContain("is not finished");
    const pictures = readdirSync(join(out, "pictures"));
    expect(pictures).toContain("0-clean.png");
    expect(pictures.some((name) => /^0-[\w-]+-l2-0\.9\.png$/.test(name))).toBe(true);
  });

  it("ends with 3 where the accuracy under all attacks is less than --require", async () => {
    const linf = ["--norms", "linf", "--epsilon-linf", "0.05", "--require"];
    expect((await typed(words(good, place(), ...linf, "1"))).code).toBe(0);
    const failing = await typed(words(good, place(), ...both, "--require", "0.01"));
    expect([failing.code, failing.out]).toEqual([3, expect.stringContaining("which it has not")]);
  });

  it("shows an attack that nothing was left for", () => {
    const [, { attacks }] = resultOf(out).norms;
    expect(attacks.map(({ attack }) => attack)).toEqual([
      ...["fgsm-l2", "apgd-ce-l2", "apgd-dlr-l2", "square-l2"],
    ]);
    expect(attacks[3]).toMatchObject({ tried: 0, broken: 0, left: { mean: 0 } });
  });

  it("stops on Ctrl-C and goes on to the same rows", async () => {
    const again = place();
    const more = [...both, "--batch", "7"];
    const stopped = await typed(words(good, again, ...more), "attacking: ");
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain("--resume");
    expect(rowsOf(again).length).toBeLessThan(rowsOf(out).length);
    expect((await typed(words(good, again, ...more, "--resume"))).code).toBe(0);
    const bare = (rows: readonly Row[]) =>
      rows.map(({ index, attack, correct }) => `${index} ${attack} ${correct}`).sort();
    expect(bare(rowsOf(again))).toEqual(bare(rowsOf(out)));
  });
});

describe("an audit of a broken network", () => {
  it("whose outputs are in another order says so, and that its numbers mean nothing", async () => {
    const out = place();
    const model = network("reversed", { outputs: [3, 2, 1, 0] });
    const { code, out: text } = await typed(words(model, out, ...both));
    expect(code).toBe(0);
    expect(text).toContain("mean nothing");
    expect(text).toContain(
      "invalid: permuted-classes: 0 of 40 clean images are right, but 40 would be",
    );
    expect(resultOf(out).valid).toBe(false);
  });

  it("is put right by the names of its outputs", async () => {
    const out = place();
    const model = network("reversed", { outputs: [3, 2, 1, 0] });
    const names = join(folder, "names.txt");
    writeFileSync(names, "3\n2\n1\n0\n");
    await typed(words(model, out, ...both, "--classes", names));
    expect([resultOf(out).clean.mean, codes(out)]).toEqual([1, []]);
  });

  it("that takes bytes is said to, until --scale 255", async () => {
    const model = network("bytes", { bias: [300, 0, 0, 0] });
    const [wrong, right] = [place(), place()];
    await typed(words(model, wrong, ...both));
    const [first] = resultOf(wrong).diagnostics;
    expect([first.code, first.text]).toEqual([
      "other-preprocessing",
      "10 of the first 40 images are right as preprocessing is declared, and 40 with --scale 255",
    ]);
    await typed(words(model, right, ...both, "--scale", "255"));
    expect(codes(right)).not.toContain("other-preprocessing");
  });

  it("whose logits are a million times too large saturates, and is broken all the same", async () => {
    const out = place();
    const radius = ["--norms", "linf", "--epsilon-linf", "0.3"];
    await typed(words(network("large", { gain: 1e6 }), out, ...radius));
    expect([resultOf(out).union.mean, codes(out)]).toEqual([0, ["saturated-softmax"]]);
  });

  it("that rounds has no gradients, which shows in four ways", async () => {
    const out = place();
    await typed(
      words(
        network("rounds", { round: true }),
        out,
        ...["--norms", "linf", "--epsilon-linf", "0.3"],
      ),
    );
    expect(codes(out)).toEqual(
      expect.arrayContaining(["zero-gradients", "huge-epsilon", "black-box-wins", "transfer-wins"]),
    );
  });
});

describe("an audit of a randomised classifier", () => {
  it("attacks it with the noise that is asked for, through EOT, and spares nothing", async () => {
    const out = place();
    const more = [
      "--noise",
      "normal:0.05",
      "--examples",
      "4",
      "--norms",
      "linf",
      "--epsilon-linf",
      "0.25",
    ];
    const { code, out: text } = await typed(words(good, out, ...more));
    expect(code).toBe(0);
    expect(text).toContain("with its noise normal:0.05");
    const rows = rowsOf(out);
    expect(rows).toHaveLength(4 * 4);
    for (const { draws, eot } of rows) expect([draws, eot]).toEqual([20, 8]);
    expect(codes(out)).not.toContain("randomised-without-eot");
  });
});

describe("an audit of a file that rampart exported", () => {
  it("uses the data and the noise that the file names, and says so", async () => {
    const [trained, file, out] = [place(), join(folder, "rat.onnx"), place()];
    const io = { stdout: { write: () => 0 }, stderr: { write: () => 0 } };
    const training = ["--data", "shapes", "--examples", "32", "--steps", "1", "--epochs", "1"];
    const defense = ["--defense", "rat-linf-uniform", "--model", "cnn-small", "--out", trained];
    expect(await run(rampart, ["train", ...defense, ...training], io)).toBe(0);
    expect(await run(rampart, ["export", trained, "--out", file], io)).toBe(0);
    const small = ["--out", out, "--budget", "quick", "--examples", "2", "--norms", "linf"];
    const { code, out: text, err } = await typed([file, ...small]);
    expect(code).toBe(0);
    expect(err).toContain("it adds the noise uniform:0.2 at every prediction");
    expect(text).toContain("rat.onnx on shapes: 2 images");
    expect(resultOf(out).noise).toBe("uniform:0.2");
  });
});

describe("an audit at several radii", () => {
  it("is a curve that never rises, and its verdict is about the largest", async () => {
    const out = place();
    const radii = ["--norms", "linf", "--epsilon-linf", "0.3,0.05,0.2"];
    const { out: text } = await typed(words(good, out, ...radii));
    const { norms, union } = resultOf(out);
    expect(norms.map(({ epsilon }) => epsilon)).toEqual([0.05, 0.2, 0.3]);
    const accuracies = norms.map(({ accuracy }) => accuracy.mean);
    // The margin in ℓ∞ is 0.2 ± 0.05.
    expect([accuracies[0], accuracies[2], union.mean]).toEqual([1, 0, 0]);
    expect(accuracies[1]).toBeGreaterThan(0);
    expect(accuracies[1]).toBeLessThan(1);
    expect(text).toContain("under attack in ℓ∞ 0.3, 100.0 % without");
    const page = readFileSync(join(out, "report.html"), "utf8");
    expect(page).toContain("Accuracy under all attacks in ℓ∞");
    expect(page).toContain("<summary>Smaller radii</summary>");
    expect(page).not.toContain("only a guide to the eye");
  });
});

describe("an audit whose numbers mean nothing", () => {
  const reversed = () => network("reversed", { outputs: [3, 2, 1, 0] });
  it("fails every --require, even one of nothing", async () => {
    const small = ["--norms", "linf", "--epsilon-linf", "0.01", "--require", "0"];
    const { code, out: text } = await typed(words(reversed(), place(), ...small));
    expect([code, text]).toEqual([3, expect.stringContaining("which nobody can say before that")]);
    expect((await typed(words(good, place(), ...small))).code).toBe(0);
  });
});

/** A folder of PNG pictures, one class per quarter, 10×12 pixels: the quarters doubled, with a frame that cropping removes. */
async function folderOfPictures(): Promise<string> {
  const { default: sharp } = await import("sharp");
  const root = place();
  for (let i = 0; i < 12; i++) {
    const bytes = new Uint8Array(10 * 12).fill(255);
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 8; x++)
        bytes[(y + 1) * 12 + x + 2] = Math.round(
          255 * pixels[i * size + 4 * Math.floor(y / 2) + Math.floor(x / 2)],
        );
    const name = ["a", "b", "c", "d"][labels[i]];
    mkdirSync(join(root, name), { recursive: true });
    const raw = { width: 12, height: 10, channels: 1 } as const;
    await sharp(bytes, { raw })
      .png()
      .toFile(join(root, name, `${i}.png`));
  }
  return root;
}

describe("an audit of a folder of pictures", () => {
  it("reads how they are prepared beside the file, and flags win", async () => {
    const [root, out, other] = [await folderOfPictures(), place(), place()];
    const model = network("beside", { bias: [0, 0, 0, 0] });
    // The picture at half its size, 5×6, whose middle 4×4 is what the network takes.
    const said = { resize: 5, crop: 4, interpolation: "bicubic", mean: 0.1, std: 0.5 };
    writeFileSync(`${model}.json`, JSON.stringify(said));
    const more = ["--norms", "linf", "--budget", "quick", "--epsilon-linf", "0.05"];
    const { code, err } = await typed([model, "--data", `folder:${root}`, "--out", out, ...more]);
    expect([code, err]).toEqual([
      0,
      expect.stringContaining(
        "beside.onnx.json (as of rampart): mean 0.1; std 0.5; resized to a shorter side of 5 (bicubic), cropped to the middle 4 × 4",
      ),
    ]);
    expect([resultOf(out).clean.mean, resultOf(out).examples]).toEqual([1, 12]);
    const settings = readFileSync(join(out, "rows.settings.json"), "utf8");
    expect(JSON.parse(settings).model.reading).toMatchObject({
      mean: [0.1],
      std: [0.5],
      crop: [4],
    });
    // The whole picture squeezed into 4×4 holds parts of the frame, and is right less often or at least differs.
    const squeezed = ["--resize", "4,4", "--crop", "4", "--interpolation", "bilinear"];
    await typed([model, "--data", `folder:${root}`, "--out", other, ...more, ...squeezed]);
    const reading = JSON.parse(readFileSync(join(other, "rows.settings.json"), "utf8")).model
      .reading;
    expect(reading).toMatchObject({ mean: [0.1], resize: [4, 4], interpolation: "bilinear" });
  });

  it("of another size than the network takes says how to bring them to it", async () => {
    const root = await folderOfPictures();
    const { code, err } = await typed([good, "--data", `folder:${root}`, "--out", place()]);
    expect(code).toBe(2);
    expect(err).toContain("bring them to that size (--resize and --crop do it for folder:PATH)");
  });
});

describe("an audit of two classes", () => {
  /** A single score, the second half of the picture minus the first, behind a sigmoid. */
  function sigmoid(): string {
    const path = join(folder, "sigmoid.onnx");
    const w = tensor(
      [size, 1],
      Array.from({ length: size }, (_, i) => (i < 8 ? -1 : 1)),
    );
    const nodes = [
      nodeOf("Flatten", ["x"], ["flat"]),
      nodeOf("MatMul", ["flat", "w"], ["z"]),
      nodeOf("Sigmoid", ["z"], ["p"]),
    ];
    const shapes = { inputs: { x: ["n", 1, 4, 4] }, outputs: { p: ["n", 1] } };
    writeFileSync(path, onnxFile(nodes, { ...shapes, arrays: { w } }));
    return path;
  }

  it.each(["standard", "full"])("in one sigmoid runs %s in every norm", async (budget) => {
    const halves = join(folder, "halves.npz");
    const y = labels.map((label) => Math.floor(label / 2));
    writeFileSync(halves, npzBytes({ x: tensor([count, 1, 4, 4], pixels), y: tensor([count], y) }));
    const out = place();
    const radii = ["--epsilon-linf", "0.3", "--epsilon-l2", "0.02", "--epsilon-l1", "0.05"];
    const more = ["--norms", "linf,l2,l1", "--budget", budget, "--examples", "4"];
    const { code, err } = await typed([
      sigmoid(),
      "--data",
      `npz:${halves}`,
      "--out",
      out,
      ...more,
      ...radii,
    ]);
    expect([code, err]).toEqual([0, expect.anything()]);
    const { norms, clean } = resultOf(out);
    expect(clean.mean).toBe(1);
    // 1.6 is the difference of two halves: ℓ∞ flips from 1.6 / 16 on, ℓ2 from 0.4 on, ℓ1 from 1.6 on.
    expect(norms.map(({ norm, accuracy }) => [norm, accuracy.mean])).toEqual([
      ...[
        ["linf", 0],
        ["l2", 1],
        ["l1", 1],
      ],
    ]);
    const attacks = norms.flatMap((norm) => norm.attacks.map(({ attack }) => attack));
    expect(attacks).toContain("apgd-dlr-l1");
    expect(attacks.some((attack) => attack.startsWith("apgd-t-"))).toBe(false);
  });
});

describe("audit() of the library", () => {
  it("gives what the command writes, and writes nothing without a folder", async () => {
    const result = await audit(good, {
      ...{ data: `npz:${data}`, budget: "quick", norms: ["linf"], epsilonLinf: [0.3], examples: 8 },
      threads: 1,
    });
    expect([result.clean.mean, result.union.mean, result.valid]).toEqual([1, 0, true]);
  });
});

describe("an audit is refused", () => {
  it.each([
    [["--budget", "ful"], "did you mean full?"],
    [["--require", "40"], "--require is 40, but it must be at most 1"],
    [["--resize", "8"], "--resize, --crop and --interpolation are for folder:PATH"],
    [["--epsilon-linf", "8"], "did you mean 8/255?"],
    [["--norms", "linf,l3"], "it must be one of linf, l2, l1"],
    [["--preprocessing", "no.json"], "there is no file no.json"],
    [["--feed", "x"], '--feed holds "x", but each entry is the name of an input and a number'],
    [["--feed", "keep=1"], "--feed names keep, which is no input beside the picture's x"],
    [["--output", "scores"], "the file has no output scores; its outputs are z"],
  ])("for %j, and nothing is written", async (more, message) => {
    const out = place();
    const { code, err } = await typed(words(good, out, ...more));
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(readdirSync(folder)).not.toContain(out.slice(folder.length + 1));
  });
});
