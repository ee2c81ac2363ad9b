import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Row } from "../evaluate/row.ts";
import { leaseWork } from "../files/lease/node.ts";
import { UsageError } from "../math/usage-error.ts";
import type { ArtefactRow } from "./artefact.ts";
import { runArtefact } from "./demonstration/node.ts";
import type { ReproduceEvent } from "./events.ts";
import { costOf, runCells } from "./node.ts";
import { scales } from "./scales.ts";
import { type Reproduction, resultsOf } from "./stored/node.ts";

const root = mkdtempSync(join(tmpdir(), "rampart-reproduce-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let runtime: Reproduction["runtime"];
beforeAll(async () => {
  runtime = await nodeRuntime({ threads: 1 });
});

const size = (out: string, more: Partial<Reproduction> = {}): Reproduction => ({
  out: join(root, out),
  runtime,
  scale: scales.smoke,
  seed: 0,
  share: 1,
  threads: 1,
  defenses: ["standard", "ni-normal"],
  ...more,
});

/** Runs to the end, or until `stop` says so of an event. */
async function run(
  reproduction: Reproduction,
  stop: (event: ReproduceEvent) => boolean = () => false,
) {
  const abort = new AbortController();
  const events: ReproduceEvent[] = [];
  const cells = runCells("table4", { ...reproduction, signal: abort.signal });
  let next = await cells.next();
  while (!next.done) {
    events.push(next.value);
    if (stop(next.value)) abort.abort();
    next = await cells.next();
  }
  return { events, finished: next.value };
}

/** All rows of a reproduction but for the time they took, by file. */
const rowsIn = (out: string) =>
  Object.fromEntries(
    readdirSync(join(root, out, "rows"))
      .filter((name) => name.endsWith(".jsonl"))
      .map((name) => [
        name,
        readFileSync(join(root, out, "rows", name), "utf8")
          .trimEnd()
          .split("\n")
          .map((line) => ({ ...(JSON.parse(line) as Row), seconds: 0, crc: "" })),
      ]),
  );

describe("a reproduction", () => {
  it("that is killed again and again ends with the rows of one that was not", async () => {
    expect((await run(size("whole"))).finished).toBe(true);
    const stops = [
      (event: ReproduceEvent) => event.event === "progress" && event.cell === "train standard",
      (event: ReproduceEvent) => event.event === "row" && event.cell === "published standard",
      (event: ReproduceEvent) => event.event === "row" && event.cell === "sound ni-normal",
    ];
    for (const stop of stops) expect((await run(size("killed"), stop)).finished).toBe(false);
    expect((await run(size("killed"))).finished).toBe(true);
    expect(rowsIn("killed")).toEqual(rowsIn("whole"));
    expect(Object.keys(rowsIn("whole")).length).toBe(6);
  });

  it("repeats nothing that is finished", async () => {
    const before = rowsIn("whole");
    const { events } = await run(size("whole"));
    expect(events.filter(({ event }) => event === "cost")).toEqual([]);
    expect(events).toContainEqual({ event: "cell", cell: "train standard", finished: true });
    expect(rowsIn("whole")).toEqual(before);
    expect(await costOf("table4", size("whole"))).toBeNull();
  });

  it("needs the weights and the rows alone: a copy without checkpoints goes on from them", async () => {
    rmSync(join(root, "whole/models/standard/checkpoints"), { recursive: true });
    const { finished } = await run(size("whole", { defenses: ["standard"] }));
    expect(finished).toBe(true);
  });

  it("with a larger share of the images extends the rows", async () => {
    await run(size("grown", { share: 0.5, defenses: ["standard"] }));
    const half = rowsIn("grown")["standard.published.jsonl"];
    await run(size("grown", { defenses: ["standard"] }));
    const all = rowsIn("grown")["standard.published.jsonl"];
    expect(all.length).toBe(2 * half.length);
    expect(all.slice(0, half.length)).toEqual(half);
  });

  it("tells the cost of what is left, first", async () => {
    const cost = await costOf("table4", size("never"));
    expect(cost).toMatchObject({ event: "cost", left: 8, cells: 8 });
    expect(cost?.training).toBeGreaterThan(0);
    expect(cost?.evaluation).toBeGreaterThan(0);
  });

  it("gives each defence its rows by kind, and the time of its training", async () => {
    const results = await resultsOf("table4", size("killed"));
    expect(Object.keys(results)).toEqual(["standard", "ni-normal"]);
    expect(results["ni-normal"].noise).toBe("normal:0.25");
    expect(Object.keys(results["ni-normal"].rows).length).toBe(5);
    expect(results.standard.seconds).toBeGreaterThan(0);
  });

  it("knows a model of an earlier version, whose config lacks newer options", async () => {
    const config = join(root, "killed/models/standard/config.json");
    const text = readFileSync(config, "utf8");
    const { crc: _, ...older } = JSON.parse(text);
    expect(older.options.epsilonL1).toBeDefined();
    delete older.options.epsilonL1;
    writeFileSync(config, JSON.stringify(older));
    expect(await costOf("table4", size("killed"))).toBeNull();
    writeFileSync(config, text);
  });

  it("refuses a folder whose models were trained otherwise, and a defence that the table lacks", async () => {
    const config = join(root, "killed/models/standard/config.json");
    const text = readFileSync(config, "utf8");
    const { crc: _, ...changed } = JSON.parse(text.replace('"epochs": 1', '"epochs": 9'));
    writeFileSync(config, JSON.stringify(changed));
    await expect(run(size("killed"))).rejects.toThrow("epochs 9, here 1");
    await expect(run(size("killed"))).rejects.toThrow(UsageError);
    writeFileSync(config, text);
    await expect(run(size("killed", { defenses: ["ni-laplace"] }))).rejects.toThrow(
      "has no ni-laplace",
    );
  });
});

describe("the demonstration of C&W against noise", () => {
  async function demonstrate(more: Partial<Reproduction> = {}): Promise<ArtefactRow[]> {
    const events = runArtefact("ni-normal", size("killed", more));
    let next = await events.next();
    while (!next.done) next = await events.next();
    return next.value;
  }

  it("goes on after a line that was cut off, with the same rows", async () => {
    const first = await demonstrate({ share: 0.5 });
    const path = join(root, "killed/rows/ni-normal.artefact.jsonl");
    appendFileSync(path, '{"index": 3, "lab');
    const all = await demonstrate();
    expect(all.slice(0, first.length)).toEqual(first);
    expect(all.length).toBe(2 * first.length);
    expect(readFileSync(path, "utf8").trimEnd().split("\n").length).toBe(all.length);
  });

  it("refuses rows of other settings", async () => {
    await expect(demonstrate({ seed: 1 })).rejects.toThrow("was begun with other settings");
    await expect(demonstrate({ seed: 1 })).rejects.toMatchObject({ code: "in-use" });
  });

  const path = join(root, "killed/rows/ni-normal.artefact.jsonl");
  const leases = () =>
    readdirSync(join(root, "killed/rows")).filter((name) => name.includes("artefact.jsonl.lease"));

  it("keeps a second process out of its file of rows, and leaves no lease", async () => {
    const other = await leaseWork({ prefix: `${path}.lease`, owned: path, remedy: "wait" });
    await expect(demonstrate()).rejects.toMatchObject({ code: "in-use" });
    await other.release();
    await demonstrate();
    expect(leases()).toEqual([]);
  });

  it("adds no rows once another process has taken over", async () => {
    rmSync(path);
    const events = runArtefact("ni-normal", size("killed"));
    expect((await events.next()).value).toMatchObject({ event: "cell", finished: false });
    writeFileSync(`${path}.lease.2`, "");
    await expect(events.next()).rejects.toMatchObject({ code: "in-use" });
    expect(existsSync(path)).toBe(false);
    expect(leases()).toEqual(["ni-normal.artefact.jsonl.lease.2"]);
  });
});
