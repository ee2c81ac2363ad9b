import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { typed } from "../../test/fixtures/typed-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-cli-train-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const place = () => join(folder, `run ${made++}`);

const small = ["--model", "cnn-small", "--data", "shapes", "--examples", "64", "--batch", "16"];
const start = (out: string, ...more: string[]) => [
  "train",
  "--defense",
  "at-linf",
  ...small,
  "--epochs",
  "2",
  "--steps",
  "1",
  "--out",
  out,
  ...more,
];
const read = (...path: string[]) => readFileSync(join(...path), "utf8");

describe("rampart train", () => {
  it("leaves a run directory and prints every epoch as JSON", async () => {
    const out = place();
    const { code, out: printed } = await typed(start(out, "--json"));
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual([
      "checkpoints",
      "config.json",
      "metrics.jsonl",
      "model.onnx",
    ]);
    const events = printed
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events[0]).toEqual({ event: "start", epochs: 2, steps: 8, step: 0, from: null });
    expect(events.at(-1)).toEqual({ event: "done", step: 8, path: out });
    const lines = read(out, "metrics.jsonl").trim().split("\n");
    const epochs = events
      .filter(({ event }) => event === "epoch")
      .map(({ event: _, ...rest }) => rest);
    const written = lines.map((line) => {
      const { crc, ...rest } = JSON.parse(line);
      expect(crc).toMatch(/^[0-9a-f]{8}$/);
      return rest;
    });
    expect(written).toEqual(epochs);
    expect(JSON.parse(read(out, "config.json"))).toMatchObject({
      options: {
        defense: "at-linf",
        epochs: 2,
        batch: 16,
        examples: 64,
        steps: 1,
        recipe: "zagoruyko",
      },
      attacks: [{ name: "pgd-linf", epsilon: 0.031, steps: 1 }],
      target: { lowering: expect.stringMatching(/^(plain|blocked-\d+(-w\d+-\d+)?)$/) },
    });
  });

  it("saves on Ctrl-C and prints the command that goes on, which does", async () => {
    const out = place();
    const stopped = await typed(start(out), "training: 1/8");
    expect(stopped.code).toBe(130);
    expect(stopped.err).toMatch(
      /stopped after step [12] of 8; .*epoch-0-step-[12]\.safetensors is saved/,
    );
    const command = `rampart train --out '${out}' --resume`;
    expect(stopped.err).toContain(`\n  ${command}\n`);

    const resumed = await typed(["train", "--out", out, "--resume"]);
    expect(resumed.code).toBe(0);
    expect(resumed.err).toMatch(/continuing from .*epoch-0-step-[12]/);
    const whole = place();
    await typed(start(whole));
    const weights = (run: string) => readFileSync(join(run, "model.onnx"));
    expect(weights(out).equals(weights(whole))).toBe(true);
  });

  it("refuses to resume with other options, and names each", async () => {
    const out = place();
    await typed(start(out), "training: 1/8");
    const { code, err } = await typed(start(out, "--resume", "--seed", "3", "--rate", "0.2"));
    expect(code).toBe(2);
    expect(err).toContain("--rate 0.2 (was 0.1), --seed 3 (was 0);\n  resume without them");
  });

  it("refuses a folder that is taken, and says both ways out", async () => {
    const out = place();
    await typed(start(out), "training: 1/8");
    expect(await typed(start(out))).toMatchObject({
      code: 2,
      err: `${out} already holds a run; continue it with --resume, or choose another --out\n`,
    });
    const other = place();
    mkdirSync(other);
    writeFileSync(join(other, "notes.txt"), "");
    expect((await typed(start(other))).err).toContain("is not empty");
    expect(readdirSync(other)).toEqual(["notes.txt"]);
  });

  it.each([
    [["--defense", "at-lnf"], "did you mean at-linf?"],
    [
      ["--defense", "standard", "--model", "wrn-10"],
      "unknown model wrn-10; did you mean wrn-10-1?",
    ],
    [["--defense", "standard", "--model", "wrn-11-1"], "the depth is 4 plus a multiple of 6"],
    [["--defense", "standard", "--data", "shape"], "unknown data set shape; did you mean shapes?"],
    [["--defense", "at-linf", "--epsilon-linf", "8"], "did you mean 8/255?"],
    [["--defense", "ni-normal", "--noise", "uniform:0.2"], "ni-normal injects normal noise"],
    [["--defense", "standard", "--recipe", "shrot"], "did you mean short?"],
    [["--defense", "ibp", "--epsilon-linf", "0"], "--epsilon-linf"],
    [["--defense", "ibp", "--noise", "normal:0.25"], "ibp injects no noise"],
    [["--defense", "ibp", "--epsilon-l2", "0.5"], "ibp trains for ℓ∞ alone"],
    [["--defense", "crown-ibp", "--norms", "l2"], "crown-ibp has no option norms"],
    [["--defense", "crown-ibp", "--epsilon-warmup", "0.3"], "set --crown-ibp-warmup"],
    [["--defense", "standard", "--epsilon-warmup", "0.3"], "nothing would grow; leave it out"],
    [["--defense", "ibp", "--label-smoothing", "0.1"], "--label-smoothing does not apply"],
    [["--resume"], "holds no run to resume"],
  ])("%j is refused, and nothing is written", async (words, message) => {
    const out = place();
    const { code, err } = await typed(["train", ...small, "--out", out, ...words]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(() => readdirSync(out)).toThrow("ENOENT");
  });

  it("says where it may not write", async () => {
    const file = place();
    writeFileSync(file, "");
    const { code, err } = await typed(start(join(file, "run")));
    expect([code, err]).toEqual([2, expect.stringContaining("is a file, not a folder")]);
  });
});
