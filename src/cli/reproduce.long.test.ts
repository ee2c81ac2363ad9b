import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { start, stopAll } from "../../test/fixtures/sweeps.ts";
import { typed as typedWords } from "../../test/fixtures/typed-fixture.ts";
import { leaseWork } from "../files/lease/node.ts";
import { thirteen } from "../paper/printed.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-cli-reproduce-"));
afterAll(() => {
  stopAll();
  rmSync(folder, { recursive: true });
});
const out = join(folder, "paper");

/** Runs `rampart reproduce` on these words; `stopAt` presses Ctrl-C when stderr shows this text. */
const typed = (words: readonly string[], stopAt?: string) =>
  typedWords(["reproduce", ...words], stopAt);

const smoke = ["--scale", "smoke", "--threads", "1", "--out", out];

/** Names of the files directly in a folder of results: tables, drawings and leases. */
const filesIn = (path: string) =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

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

  it("gives the same by two workers, whose store goes on being used", {
    timeout: 240_000,
  }, async () => {
    const other = join(folder, "workers");
    const words = ["table3", "--scale", "smoke", "--threads", "1", "--out", other];
    // As processes of the build, whose workers start in a fraction of the time of those from the sources.
    const beside = () => start(["reproduce", ...words, "--workers", "2"]).ended;
    const { code, text } = await beside();
    expect(code, text).toBe(0);
    const rowsIn = (path: string) =>
      readFileSync(join(path, "rows/at-linf.published.jsonl"), "utf8").replaceAll(
        /"seconds":[^,]*,"crc":"\w+"/g,
        "",
      );
    expect(rowsIn(other)).toBe(rowsIn(out));
    const table = (path: string) => readFileSync(join(path, "table3.json"), "utf8");
    expect(table(other)).toBe(table(out));
    // A clone that has the store alone repeats nothing.
    for (const name of ["models", "rows"]) rmSync(join(other, name), { recursive: true });
    const again = await beside();
    expect(again.code, again.text).toBe(0);
    expect(again.text).not.toContain("cells are left");
    expect(rowsIn(other)).toBe(rowsIn(out));
  });

  it("prints its plan for rampart sweep", async () => {
    const { out: text } = await typed(["table2", "--plan", ...smoke]);
    expect(JSON.parse(text).train[0].grid).toEqual({ defense: ["standard", "at-linf", "at-l2"] });
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
      "stopped; finished work is kept. Continue with:\n  rampart reproduce table2",
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
    [["table4", "--real"], "--real works with figure1 only, not with table4"],
    [
      ["figure1", "--dry-run"],
      "--dry-run works with table2, table3 and table4 only, not with figure1",
    ],
    [["figure1", "--workers", "2"], "--workers works with table2, table3 and table4 only"],
    [["figure1", "--plan"], "figure1 has no plan of trainings and evaluations"],
    [["table4", "--share", "2"], "share"],
    [["table4", "--scale", "large"], "scale"],
  ])("%j is the user's to fix", async (words, message) => {
    const rest = words.includes("--scale") ? ["--out", out] : smoke;
    const { code, err } = await typed([...words, ...rest]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe("the folder of a reproduction", () => {
  const table3 = ["table3.html", "table3.json", "table3.md", "table3.svg"];

  it("belongs to one process at a time, and holds no lease afterwards", async () => {
    const other = await leaseWork({ prefix: join(out, "lease"), owned: out, remedy: "wait" });
    for (const file of table3) rmSync(join(out, file));
    const refused = await typed(["table3", ...smoke]);
    expect(refused.err).toContain(`${out} is in use by process ${process.pid}`);
    expect(refused.code).toBe(2);
    await other.release();
    expect(filesIn(out)).not.toContain("table3.json");
    expect((await typed(["table3", ...smoke])).code).toBe(0);
    expect(
      filesIn(out)
        .filter((name) => !name.startsWith("table1"))
        .sort(),
    ).toEqual(table3);
  });

  it("goes to one of two that begin at the same moment", async () => {
    const words = ["table1", "--out", join(folder, "race")];
    const both = await Promise.all([typed(words), typed(words)]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, 2]);
    expect(filesIn(join(folder, "race")).sort()).toEqual(["table1.json", "table1.txt"]);
  });

  it("gets no table from a reproduction that another process has taken over", async () => {
    for (const file of table3) rmSync(join(out, file));
    const takeOver = (chunk: string) => {
      if (chunk.includes("train standard")) writeFileSync(join(out, "lease.2"), "");
    };
    const { code, err } = await typedWords(["reproduce", "table3", ...smoke], undefined, takeOver);
    expect(err).toContain(`another process has taken over ${out}`);
    expect(code).toBe(2);
    rmSync(join(out, "lease.2"));
    expect(filesIn(out).filter((name) => name.startsWith("table3"))).toEqual([]);
  });

  it("may be looked at by a dry run meanwhile, which writes nothing", async () => {
    const path = join(folder, "looked-at");
    const other = await leaseWork({ prefix: join(path, "lease"), owned: path, remedy: "wait" });
    const words = ["table3", "--dry-run", "--scale", "smoke", "--threads", "1", "--out", path];
    expect((await typed(words)).code).toBe(0);
    await other.release();
    expect(readdirSync(path)).toEqual([]);
  });

  it("is not made for a name that does not exist", async () => {
    const path = join(folder, "never");
    expect((await typed(["tabel4", "--out", path])).code).toBe(2);
    expect(existsSync(path)).toBe(false);
  });
});
