import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  both,
  codes,
  folder,
  good,
  network,
  place,
  removeFolder,
  resultOf,
  rowsOf,
  typed,
  words,
} from "../../test/fixtures/audit-fixture.ts";
import { typed as typedWords } from "../../test/fixtures/typed-fixture.ts";
import type { Row } from "../evaluate/row.ts";
import { run } from "./kit/program.ts";
import { rampart } from "./main.ts";

afterAll(removeFolder);

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

  it("leaves rows, settings, images and a page", () => {
    const names = readdirSync(out);
    for (const name of ["rows.jsonl", "rows.settings.json", "rows.examples.npz", "report.html"])
      expect(names).toContain(name);
    const page = readFileSync(join(out, "report.html"), "utf8");
    expect(page).toContain('<h2 id="audit">Verdict on good.onnx</h2>');
    expect(page).not.toContain("is not finished");
    expect(page).not.toContain("images asked for");
    const images = readdirSync(join(out, "pictures"));
    expect(images).toContain("0-clean.png");
    expect(images.some((name) => /^0-[\w-]+-l2-0\.9\.png$/.test(name))).toBe(true);
  });

  it("ends with 3 where the accuracy under all attacks is less than --require", async () => {
    const linf = ["--norms", "linf", "--epsilon-linf", "0.05", "--require"];
    expect((await typed(words(good, place(), ...linf, "1"))).code).toBe(0);
    const below = place();
    const formats = ["--format", "junit,sarif,cyclonedx,model-index,markdown"];
    const failing = await typed(words(good, below, ...both, "--require", "0.01", ...formats));
    const names = ["junit.xml", "results.sarif", "bom.cdx.json", "model-index.yml", "summary.md"];
    for (const name of names) expect(failing.out).toContain(`wrote ${join(below, name)}`);
    expect(readFileSync(join(below, "summary.md"), "utf8")).toMatch(/^### FAIL/);
    expect(readFileSync(join(below, "junit.xml"), "utf8")).toContain("<failure");
    expect([failing.code, failing.out]).toEqual([3, expect.stringContaining("not reached")]);
  });

  it("shows an attack that nothing was left for", () => {
    const [, { attacks }] = resultOf(out).norms;
    expect(attacks.map(({ attack }) => attack)).toEqual([
      "fgsm-l2",
      "apgd-ce-l2",
      "apgd-dlr-l2",
      "square-l2",
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
  it("whose outputs are in another order says so, and that its numbers are meaningless", async () => {
    const out = place();
    const model = network("reversed", { outputs: [3, 2, 1, 0] });
    const { code, out: text } = await typed(words(model, out, ...both));
    expect(code).toBe(0);
    expect(text).toContain("meaningless");
    expect(text).toContain(
      "invalid: permuted-classes: 0 of 40 clean images are right, but 40 would be",
    );
    expect(resultOf(out).valid).toBe(false);
  });

  it("of which two outputs are exchanged says which, in an evaluation as well", async () => {
    const out = place();
    const model = network("exchanged", { outputs: [0, 2, 1, 3] });
    await typed(words(model, out, ...both));
    const [{ code, text }] = resultOf(out).diagnostics;
    const named =
      "20 of 40 clean images are right, but 40 would be if labels 1 and 2 are exchanged";
    expect([code, text]).toEqual(["permuted-classes", named]);
    const rows = join(folder, "exchanged.jsonl");
    const [, flag, images] = words(model, rows);
    const evaluated = ["evaluate", model, flag, images, "--attacks", "pgd-linf", "--steps", "2"];
    const { code: exit, err } = await typedWords([...evaluated, "--out", rows]);
    expect([exit, err]).toEqual([0, expect.stringContaining(`invalid: ${named}`)]);
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
      "10 of the first 40 images are right with the declared preprocessing, and 40 with --scale 255",
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
      words(network("rounds", { round: true }), out, "--norms", "linf", "--epsilon-linf", "0.3"),
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
    expect(err).toContain("states that it adds noise uniform:0.2 to every image");
    expect(text).toContain("rat.onnx on shapes: 2 images");
    expect(resultOf(out).noise).toBe("uniform:0.2");
  });
});

describe("an audit is refused", () => {
  it.each([
    [["--budget", "ful"], "did you mean full?"],
    [["--require", "40"], "--require is 40, but it must be at most 1"],
    [["--resize", "8"], "the file takes images of [1, 4, 4] and was given [1, 8, 8]"],
    [["--epsilon-linf", "8"], "did you mean 8/255?"],
    [["--norms", "linf,l3"], "it must be one of linf, l2, l1"],
    [["--preprocessing", "no.json"], "there is no file no.json"],
    [["--constants", "x"], '--constants holds "x", but each entry is the name of an input and a'],
    [["--constants", "keep=on"], '--constants holds "keep=on"'],
    [["--constants", "keep=1"], "the file has no input keep besides its image"],
    [["--output", "scores"], "the file has no output scores; its outputs are z"],
  ])("for %j, and nothing is written", async (more, message) => {
    const out = place();
    const { code, err } = await typed(words(good, out, ...more));
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(readdirSync(folder)).not.toContain(out.slice(folder.length + 1));
  });
});
