// Two containers on one machine may share a folder and a host name, and each calls its own process number 1. Process ids
// then tell nothing, and the counter of the lease decides.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rampart } from "./kill.ts";
import { modelTraining } from "./works.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "rampart.js");
const base = mkdtempSync(join(tmpdir(), "rampart-spaces-"));
const model = join(base, "model");

const space = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const canUnshare = spawnSync("unshare", [...space, "true"]).status === 0;

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

interface Running {
  readonly ended: Promise<Ended>;
  /** Ends the space and all that runs in it. */
  readonly kill: () => void;
}

/** Runs a command as process 1 of a space of its own. */
function inSpace(words: readonly string[]): Running {
  const child = spawn("unshare", [...space, process.execPath, bin, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code) => resolve({ code, said }));
  });
  return { ended, kill: () => child.kill("SIGKILL") };
}

/** An evaluation that writes a row soon and then goes on for many minutes, far longer than a lease is watched for. */
const evaluation = (out: string) =>
  ["evaluate", model, "--attacks", "cw-l2", "--examples", "4000", "--batch", "8"].concat([
    "--cw-steps",
    "400",
    "--cw-searches",
    "9",
    "--out",
    out,
    "--threads",
    "1",
  ]);

const images = (rows: string): readonly string[] =>
  readFileSync(rows, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line))
    .map(({ attack, index }) => `${attack} ${index}`);

const reason = canUnshare ? "" : " (skipped: unshare is not permitted)";

describe.runIf(canUnshare)(`two spaces of process ids with one host name${reason}`, () => {
  beforeAll(async () => {
    expect((await rampart(bin, modelTraining(model))).code).toBe(0);
  }, 300_000);
  afterAll(() => rmSync(base, { recursive: true }));

  it("leave a file of rows to the first writer, also with --resume", {
    timeout: 300_000,
  }, async () => {
    const out = join(base, "rows.jsonl");
    const first = inSpace(evaluation(out));
    try {
      await expect.poll(() => existsSync(out), { timeout: 120_000 }).toBe(true);
      const second = await inSpace([...evaluation(out), "--resume"]).ended;
      expect(second.said).toContain(`${out} is in use by process 1`);
      expect(second.code).toBe(2);
    } finally {
      first.kill();
    }
    expect((await first.ended).code).toBe(null);
    expect(new Set(images(out)).size).toBe(images(out).length);
  });

  it("that begin at the same moment do not both write", { timeout: 300_000 }, async () => {
    const out = join(base, "same.jsonl");
    const both = [inSpace(evaluation(out)), inSpace(evaluation(out))];
    try {
      const first = await Promise.race(both.map(({ ended }) => ended));
      expect(first.code).toBe(2);
      await expect.poll(() => existsSync(out), { timeout: 120_000 }).toBe(true);
    } finally {
      for (const { kill } of both) kill();
    }
    await Promise.all(both.map(({ ended }) => ended));
    expect(new Set(images(out)).size).toBe(images(out).length);
  });
});
