import { expect, it } from "vitest";
import { statusLines } from "../cli/sweep-output.ts";
import { nodeHost } from "../files/host/node.ts";
import { Attempts } from "./attempts.ts";
import type { Cell } from "./cell.ts";
import type { StoredPlan } from "./plans.ts";
import { commit } from "./results.ts";
import { sweepStatus } from "./status.ts";
import { openStore } from "./store/format.ts";
import { memoryStore } from "./store/memory.ts";

const cell = (key: string, kind: string, cost: number, inputs: readonly string[] = []): Cell =>
  ({
    key,
    label: `${kind} ${key}`,
    labels: {},
    priority: 0,
    cost,
    work: { kind, inputs },
  }) as never;

const clock = { now: () => 0, sleep: async () => undefined };
const context = (owner: string, alive: boolean | null = null) => ({
  record: { token: owner, owner, identity: {} },
  clock,
  patience: 60,
  isAlive: async () => alive,
  now: () => new Date(0),
});

/** A store with a cell of each state: done, running, failed, blocked by it, and waiting. */
async function store() {
  const made = memoryStore();
  await openStore(made, { create: true });
  const cells = [
    cell("d", "train", 1e12),
    cell("r", "train", 3e12),
    cell("f", "train", 1e12),
    cell("b", "evaluate", 1e12, ["f"]),
    cell("w", "train", 2e12, ["d"]),
  ];
  const times = { owner: "", attempt: 1, started: "", ended: "", seconds: 10, removed: {} };
  await commit(made, "d", { files: new Map(), times, host: nodeHost });
  const attempts = new Attempts({ ...context("process 1 on a"), store: made });
  await attempts.take("r", () => false);
  await made.write(
    "cells/r/attempt-1/state.json",
    JSON.stringify({ started: "2026-01-01T00:00:00Z", done: 6, total: 9, seconds: 3 }),
  );
  const failed = await attempts.take("f", () => false);
  if ("files" in failed)
    await failed.close({ how: "failed", message: "no luck", code: "misfit", retry: false, at: "" });
  return { made, plans: [{ cells, retries: 2 } as unknown as StoredPlan] };
}

it("the state of a store says what is done, running where and how fast, failed why, and left", async () => {
  const { made, plans } = await store();
  const status = await sweepStatus(made, context("me"), plans);
  expect(status).toMatchObject({ cells: 5, done: 1, blocked: 1, waiting: 1, lost: [] });
  expect(status.running).toMatchObject([{ key: "r", owner: "process 1 on a", attempt: 1 }]);
  expect(status.failed).toMatchObject([{ key: "f", message: "no luck", attempts: 1 }]);
  // A training of 1 TFLOP took 10 s, and those of 3 and 2 TFLOP are left.
  expect([status.secondsDone, status.secondsLeft, status.flopsLeft]).toEqual([10, 50, 5e12]);
  const lines = statusLines(status).join("\n");
  expect(lines).toContain("1 of 5 cells done, 1 running, 1 waiting, 1 failed, 1 blocked by them");
  expect(lines).toContain("on process 1 on a, attempt 1, since 2026-01-01T00:00:00Z, 6/9 (2.00/s)");
  expect(lines).toContain("failed: train f, after 1 attempt: no luck");
  expect(lines).toContain("worked for ≈ 10 s; left for one worker: ≈ 50 s, 5.00 TFLOP");
  const begun = { ...status, done: 0, secondsDone: 0, secondsLeft: null };
  expect(statusLines(begun).at(-1)).toContain("no cell is done yet; left for one worker: unknown");
});

it("a cell whose worker has died on this machine is not running", async () => {
  const { made, plans } = await store();
  const status = await sweepStatus(made, context("me", false), plans);
  expect(status.running).toEqual([]);
  expect(status.lost).toEqual([
    { key: "r", label: "train r", owner: "process 1 on a", attempt: 1 },
  ]);
  expect(status.waiting).toBe(2);
  expect(statusLines(status).join("\n")).toContain("process 1 on a was killed");
});
