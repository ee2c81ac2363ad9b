import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { typed as typedWords } from "../../test/fixtures/typed-fixture.ts";
import { thirteen } from "../paper/printed.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-cli-reproduce-"));
afterAll(() => rmSync(folder, { recursive: true }));
const out = join(folder, "paper");

/** Runs `rampart reproduce` on these words; `stopAt` presses Ctrl-C when stderr shows this text. */
const typed = (words: readonly string[], stopAt?: string) =>
  typedWords(["reproduce", ...words], stopAt);

const smoke = ["--scale", "smoke", "--threads", "1", "--out", out];

describe("rampart reproduce", () => {
  it("prints table 3 with the paper's numbers beside ours, and writes it in every form", async () => {
    const { code, out: text, err } = await typed(["table3", ...smoke]);
    expect(code).toBe(0);
    expect(err).toMatch(/4 of 4 cells are left: ≈ .* on this machine/);
    expect(text).toContain("70 %");
    for (const form of ["json", "md", "html", "svg"])
      expect(existsSync(join(out, `table3.${form}`))).toBe(true);
    expect(readFileSync(join(out, "table3.md"), "utf8")).toContain("accuracy within ℓ2 0.83");
  });

  it("does nothing twice: a second run finds everything finished", async () => {
    const { code, err } = await typed(["table3", ...smoke]);
    expect(code).toBe(0);
    expect(err).not.toContain("cells are left");
    expect(err).toContain("train standard: finished before");
  });

  it("shows what is there when it is stopped, keeps it, and says how to go on", async () => {
    const words = ["table2", ...smoke, "--seed", "7", "--out", join(folder, "stopped")];
    const { code, err } = await typed(words, "published standard");
    expect(code).toBe(130);
    expect(err).toContain(
      "stopped, and everything so far is kept; go on with:\n  rampart reproduce table2",
    );
    expect(existsSync(join(folder, "stopped/models/standard/model.onnx"))).toBe(true);
  });

  it("tries one step and one gradient of all thirteen defences, and says what the whole costs", async () => {
    const { code, out: text, err } = await typed(["table4", "--dry-run", ...smoke]);
    expect(code).toBe(0);
    expect(err).toContain("cells are left");
    for (const defense of thirteen) expect(text).toContain(defense);
    expect(existsSync(join(out, "models/mat-max"))).toBe(false);
  });

  it("gives table 1 as an object per line under --json", async () => {
    const { out: text } = await typed(["table1", "--json", "--out", out]);
    const [result] = text.split("\n").map((line) => JSON.parse(line || "{}"));
    expect(result).toMatchObject({ event: "result", name: "table1" });
    expect(result.data[2]).toMatchObject({ dimension: 3072, printed: -578 });
  });

  it.each([
    [["tabel4"], "unknown reproduction tabel4; did you mean table4?"],
    [["table4", "--defenses", "ni-laplace"], "table4 has no ni-laplace"],
    [["table4", "--real"], "--real is about figure1, not table4"],
    [["figure1", "--dry-run"], "--dry-run is about table2, table3 and table4, not figure1"],
    [["table4", "--share", "2"], "share"],
    [["table4", "--scale", "large"], "scale"],
  ])("%j is the user's to fix", async (words, message) => {
    const { code, err } = await typed([
      ...words,
      ...(words.includes("--scale") ? ["--out", out] : smoke),
    ]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
