// Two containers on one machine may share a folder and a host name, and each calls its own process number 1. Process ids
// then tell nothing, and the counter of the lease decides.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rampart } from "./kill.ts";
import { modelTraining } from "./works.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "rampart.js");
const base = mkdtempSync(join(tmpdir(), "rampart-spaces-"));
const model = join(base, "model");

const space = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const canUnshare = spawnSync("unshare", [...space, "true"]).status === 0;

/** Runs a command as process 1 of a space of its own. */
function inSpace(words: readonly string[]): Promise<{ code: number | null; said: string }> {
  const child = spawn("unshare", [...space, process.execPath, bin, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code, said }));
  });
}

/** An evaluation that takes longer than a lease is watched for. */
const evaluation = (out: string) => [
  ...["evaluate", model, "--attacks", "cw-l2", "--examples", "64", "--batch", "8"],
  ...["--cw-steps", "600", "--cw-searches", "9", "--out", out, "--threads", "1"],
];

const images = (rows: string): readonly string[] =>
  readFileSync(rows, "utf8")
    .trim()
    .split("\n")
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
    while (!existsSync(out)) await sleep(50);
    const second = await inSpace([...evaluation(out), "--resume"]);
    expect(second.said).toContain(`${out} is in use by process 1`);
    expect(second.code).toBe(2);
    expect((await first).code).toBe(0);
    expect(new Set(images(out)).size).toBe(64);
    expect(images(out)).toHaveLength(64);
  });

  it("that begin at the same moment do not both write", { timeout: 300_000 }, async () => {
    const out = join(base, "same.jsonl");
    const ended = await Promise.all([inSpace(evaluation(out)), inSpace(evaluation(out))]);
    expect(ended.map(({ code }) => code).sort()).toEqual([0, 2]);
    expect(images(out)).toHaveLength(64);
  });
});
