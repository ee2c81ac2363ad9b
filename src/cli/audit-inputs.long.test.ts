import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  count,
  data,
  folder,
  good,
  labels,
  network,
  pixels,
  place,
  removeFolder,
  resultOf,
  size,
  typed,
  words,
} from "../../test/fixtures/audit-fixture.ts";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { npzBytes, parseNpz } from "../data/npz.ts";
import { tensor } from "../math/tensor.ts";
import { audit } from "../node.ts";

afterAll(removeFolder);

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
    expect(page).toContain("Robust accuracy in ℓ∞");
    expect(page).toContain("<summary>Smaller radii (2 tables)</summary>");
    expect(page).not.toContain("One radius of each norm was attacked");
  });
});

describe("an audit whose numbers are meaningless", () => {
  const reversed = () => network("reversed", { outputs: [3, 2, 1, 0] });
  it("fails every --require, even one of nothing", async () => {
    const small = ["--norms", "linf", "--epsilon-linf", "0.01", "--require", "0"];
    const { code, out: text } = await typed(words(reversed(), place(), ...small));
    expect([code, text]).toEqual([
      3,
      expect.stringContaining("undetermined until that diagnostic is resolved"),
    ]);
    expect((await typed(words(good, place(), ...small))).code).toBe(0);
  });
});

/** A folder of PNG images, one class per quarter, 10×12 pixels: the quarters doubled, with a frame that cropping removes. */
async function folderOfImages(): Promise<string> {
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

describe("an audit of a folder of images", () => {
  it("reads how they are prepared beside the file, and flags win", async () => {
    const [root, out, other] = [await folderOfImages(), place(), place()];
    const model = network("beside", { bias: [0, 0, 0, 0] });
    // The image at half its size, 5×6, whose middle 4×4 is what the network takes.
    const said = { resize: 5, crop: 4, interpolation: "bicubic", mean: 0.1, std: 0.5 };
    writeFileSync(`${model}.json`, JSON.stringify(said));
    const more = ["--norms", "linf", "--budget", "quick", "--epsilon-linf", "0.05"];
    const { code, err } = await typed([
      model,
      "--data",
      `folder:${root}`,
      "--out",
      out,
      ...more,
      "--save-inputs",
      "2",
    ]);
    expect(readdirSync(join(out, "inputs")).sort()).toEqual([
      "0-a-0.png",
      "1-b-1.png",
      "inputs.npz",
    ]);
    const saved = parseNpz("inputs", readFileSync(join(out, "inputs", "inputs.npz")));
    const numbersOf = (name: string) => Array.from(saved.get(name)?.data ?? [], Number);
    expect(saved.get("x")?.shape).toEqual([2, 1, 4, 4]);
    for (const [i, pixel] of numbersOf("pixels").entries())
      expect(numbersOf("x")[i]).toBeCloseTo((pixel - 0.1) / 0.5, 5);
    expect(saved.get("file")?.data).toEqual(["a/0.png", "b/1.png"]);
    expect([code, err]).toEqual([
      0,
      expect.stringContaining(
        "images: resize the shorter side to 5 (bicubic) → crop the middle 4 × 4 → pixels in [0, 1] → − mean 0.1 → ÷ std 0.5 (from ",
      ),
    ]);
    expect([resultOf(out).clean.mean, resultOf(out).examples]).toEqual([1, 12]);
    const settings = readFileSync(join(out, "rows.settings.json"), "utf8");
    expect(JSON.parse(settings).model.reading).toMatchObject({
      mean: [0.1],
      std: [0.5],
      crop: [4],
    });
    // The whole image squeezed into 4×4 holds parts of the frame, and is right less often or at least differs.
    const squeezed = ["--resize", "4,4", "--crop", "4", "--interpolation", "bilinear"];
    await typed([model, "--data", `folder:${root}`, "--out", other, ...more, ...squeezed]);
    const reading = JSON.parse(readFileSync(join(other, "rows.settings.json"), "utf8")).model
      .reading;
    expect(reading).toMatchObject({ mean: [0.1], resize: [4, 4], interpolation: "bilinear" });
  });

  it("of another size than the network takes says how to bring them to it", async () => {
    const root = await folderOfImages();
    const { code, err } = await typed([good, "--data", `folder:${root}`, "--out", place()]);
    expect(code).toBe(2);
    expect(err).toContain("bring them to that size (--resize and --crop do it)");
  });
});

describe("an audit of two classes", () => {
  /** A single score, the second half of the image minus the first, behind a sigmoid. */
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
      ["linf", 0],
      ["l2", 1],
      ["l1", 1],
    ]);
    const attacks = norms.flatMap((norm) => norm.attacks.map(({ attack }) => attack));
    expect(attacks).toContain(budget === "standard" ? "adaptive-l1" : "apgd-dlr-l1");
    expect(attacks.some((attack) => attack.startsWith("apgd-t-"))).toBe(false);
  });
});

describe("audit() of the library", () => {
  it("gives what the command writes, and writes nothing without a folder", async () => {
    const result = await audit(good, {
      data: `npz:${data}`,
      budget: "quick",
      norms: ["linf"],
      epsilonLinf: [0.3],
      examples: 8,
      threads: 1,
    });
    expect([result.clean.mean, result.union.mean, result.valid]).toEqual([1, 0, true]);
  });
});

describe("an audit of a file that leaves inputs and sizes open", () => {
  /** The quarters' sums, pooled from images of any size, times `keep`. */
  function open(): string {
    const path = join(folder, "open.onnx");
    const nodes = [
      nodeOf("AveragePool", ["x"], ["q"], {
        kernel_shape: { ints: [2, 2] },
        strides: { ints: [2, 2] },
      }),
      nodeOf("Mul", ["q", "keep"], ["k"]),
      nodeOf("Flatten", ["k"], ["y"]),
    ];
    const inputs = { x: ["n", 1, "h", "w"], keep: [] };
    writeFileSync(path, onnxFile(nodes, { inputs, outputs: { y: ["n", 4] }, arrays: {} }));
    return path;
  }

  it("says beside the rows what it was told, and goes on only when it is told the same", async () => {
    const out = place();
    const told = (keep: number) => [
      "--input-shape",
      "1,4,4",
      "--constants",
      `keep=${keep}`,
      "--block-size",
      "16",
      "--norms",
      "linf",
      "--epsilon-linf",
      "0.05",
      "--examples",
      "4",
    ];
    const { code, err } = await typed(words(open(), out, ...told(2)));
    expect(code, err).toBe(0);
    const settings = JSON.parse(readFileSync(join(out, "rows.settings.json"), "utf8"));
    expect(settings.model.reading).toMatchObject({
      shape: [1, 4, 4],
      constants: { keep: 2 },
      blockSize: 16,
    });
    const other = await typed(words(open(), out, ...told(3), "--resume"));
    expect([other.code, other.err]).toEqual([
      2,
      expect.stringContaining('constants {"keep":2}, but this run has constants {"keep":3}'),
    ]);
    expect((await typed(words(open(), out, ...told(2), "--resume"))).code).toBe(0);
  });
});
