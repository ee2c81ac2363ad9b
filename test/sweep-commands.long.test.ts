// What a user asks of a store: a plan with every kind of step, its table, its state, and workers that pause and end.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { committed, start, stopAll, until } from "./fixtures/sweeps.ts";
import { typed } from "./fixtures/typed-fixture.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-sweep-commands-"));
const plan = join(work, "plan.json");
const store = join(work, "store");

afterAll(() => {
  stopAll();
  rmSync(work, { recursive: true, force: true });
});

const short = { data: "shapes", recipe: "short", epochs: 1, examples: 64, batch: 16, steps: 1 };

/** Radii of proofs: at one nearly all images are proven, at the other nearly none. */
const RADII = [0.0005, 0.03];

const sweep = (...words: readonly string[]) => typed(["sweep", ...words]);

/** The lines of the table as records. */
function tableIn(file: string): Readonly<Record<string, unknown>>[] {
  return JSON.parse(readFileSync(file, "utf8"));
}

beforeAll(async () => {
  const training = Object.assign({ model: "mlp-small", defense: "standard" }, short);
  const flags = Object.entries(training).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const trained = await typed(["train", ...flags, "--out", join(work, "run")]);
  expect(trained.code, trained.err).toBe(0);
  writeFileSync(
    plan,
    JSON.stringify({
      images: 4,
      backOff: 0.1,
      models: [{ file: "run/model.onnx", data: "shapes" }],
      train: [{ options: { ...short, model: "mlp-small" }, grid: { defense: ["at-linf"] } }],
      harden: [
        {
          options: { ...short, validation: 16 },
          grid: { defense: ["at-linf", "at-l2"], rate: [0.01] },
        },
        // Fails: there are fewer images.
        { options: { ...short, defense: "standard", batch: 4096 } },
      ],
      evaluate: [{ options: { attacks: ["none", "pgd-linf"], steps: 1, examples: 4, batch: 4 } }],
      certify: [
        {
          options: { noise: "normal:0.25", n: 20, n0: 4, examples: 2 },
          where: { defense: ["at-l2"] },
        },
      ],
      prove: [
        {
          options: { norms: ["linf"], epsilonLinf: RADII, examples: 6, proveSeconds: 3 },
          where: { file: ["model.onnx"] },
        },
      ],
      audit: [
        {
          options: { budget: "quick", examples: 2, prove: true, proveSeconds: 1 },
          grid: { norms: [["linf"]] },
          where: { defense: ["at-l2"] },
        },
      ],
    }),
  );
}, 120_000);

describe("a sweep", { timeout: 300_000 }, () => {
  it("of every kind of step waits while it is paused, goes on past a failed cell, and is exported as one table", async () => {
    const paused = await sweep(plan, "--store", store, "--pause");
    expect(paused.code, paused.err).toBe(0);
    expect(paused.out).toContain("paused: workers start no cell");
    // As a process of the build, whose own processes start in a fraction of the time of those from the sources.
    const running = start(["sweep", plan, "--store", store, "--shard", "0/1"]);
    await until("the pause", () => running.text().includes("is paused; workers continue after:"));
    await sleep(1000);
    expect(committed(store)).toBe(0);
    expect((await sweep("--proceed", "--store", store)).out).not.toContain("paused");
    const { code, text } = await running.ended;
    expect(code, text).toBe(2);
    expect(text).toContain("is paused; workers continue after: rampart sweep --proceed");
    expect(text).toMatch(/failed: harden model.onnx, standard, after 1 attempt: .*batch of 4096/);
    expect(text).toContain("3 more cells need them");

    const file = join(work, "all.json");
    const table = await sweep("--store", store, "--table", file);
    expect([table.code, table.err]).toEqual([2, expect.stringMatching(/4 of \d+ cells are not/)]);
    const lines = tableIn(file);
    const count = (step: string) => lines.filter((line) => line.step === step).length;
    // Four models: the file, the trained one, and two hardened ones. An evaluation has a clean line and one of the attack.
    expect([count("train"), count("harden"), count("evaluate")]).toEqual([1, 2, 8]);
    expect(count("certify")).toBeGreaterThan(0);
    expect(count("audit")).toBe(2);
    const hardened = lines.filter(({ step }) => step === "harden");
    expect(hardened.map(({ defense, rate, file }) => [defense, rate, file])).toEqual([
      ["at-linf", 0.01, "model.onnx"],
      ["at-l2", 0.01, "model.onnx"],
    ]);
    const certified = lines.filter(({ step }) => step === "certify" || step === "audit");
    expect(new Set(certified.map(({ defense }) => defense))).toEqual(new Set(["at-l2"]));
    const status = await sweep("--status", "--store", store);
    expect(status.code).toBe(2);
    expect(status.out).toMatch(/0 running, 0 waiting, 1 failed, 3 blocked by them/);
  });

  it("proves in ranges what an audit of all images proves", async () => {
    const audited = join(work, "audited");
    const words = ["--data", "shapes", "--examples", "6", "--norms", "linf", "--budget", "quick"];
    const radii = ["--epsilon-linf", RADII.join(","), "--prove", "--prove-seconds", "3"];
    const model = join(work, "run/model.onnx");
    const { code, err } = await typed(["audit", model, ...words, ...radii, "--out", audited]);
    expect(code, err).toBe(0);
    const { proofs } = JSON.parse(readFileSync(join(audited, "summary.json"), "utf8"));
    const table = join(work, "proven.json");
    await sweep("--store", store, "--table", table);
    const lines = tableIn(table).filter(
      ({ kind, defense }) => kind === "proven" && defense === undefined,
    );
    const found = lines.map(({ epsilon, examples, accuracy }) => [epsilon, examples, accuracy]);
    const { balls } = proofs as { balls: { epsilon: number; proven: number }[] };
    expect(found).toEqual(balls.map(({ epsilon, proven }) => [epsilon, 6, proven / 6]));
    expect(balls[0].proven).toBeGreaterThan(balls[1].proven);
  });

  it("of a store that is drained starts no cell, and says how to go on", async () => {
    const drained = join(work, "drained");
    expect((await sweep(plan, "--store", drained, "--drain")).out).toContain("draining");
    const { code, err, out } = await sweep(plan, "--store", drained, "--shard", "0/1");
    expect(code, err).toBe(0);
    expect(err).toContain("is being drained, so this process starts no further cell");
    expect(out).toMatch(/^0 of \d+ cells done/m);
    expect(committed(drained)).toBe(0);
    const table = await sweep("--store", drained, "--table", join(work, "none.csv"));
    expect(table.err).toMatch(/(\d+) of \1 cells are not done/);
  });

  it("takes one of --pause, --drain and --proceed", async () => {
    expect((await sweep("--store", store, "--pause", "--drain")).code).toBe(2);
  });
});
