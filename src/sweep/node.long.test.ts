import { expect, it } from "vitest";
import { Attempts } from "./attempts.ts";
import type { Cell } from "./cell.ts";
import { ask } from "./control.ts";
import { codeVersion } from "./key.ts";
import { attemptContext, NodeWorkers, pauseOf } from "./node.ts";
import type { StoredPlan } from "./plans.ts";
import { openStore } from "./store/format.ts";
import { memoryStore } from "./store/memory.ts";

const cell = (key: string): Cell =>
  ({ key, priority: 0, work: { kind: "sleep", inputs: [] } }) as unknown as Cell;
const silent = () => undefined;

async function opened() {
  const store = memoryStore();
  await openStore(store, { create: true });
  return store;
}

it("failed cells are tried again, and those that somebody works on are left alone", async () => {
  const store = await opened();
  const plan = { code: codeVersion(), cells: [cell("f"), cell("l"), cell("n")] };
  const { signal } = new AbortController();
  const options = { store, patience: 60, signal, note: silent };
  const pool = await NodeWorkers.open(plan as unknown as StoredPlan, options);
  const attempts = new Attempts({ ...(await attemptContext(60)), store });
  const end = { how: "failed", message: "", code: null, retry: true, at: "" } as const;
  for (const key of ["f", "l"]) {
    const first = await attempts.take(key, () => false);
    if ("files" in first) await first.close(end);
  }
  await attempts.take("l", () => false);
  expect(await pool.retryFailed(() => true)).toBe(1);
  expect(await store.leases("f").attempts()).toEqual([]);
  expect([...(await store.leases("l").attempts())].sort()).toEqual([1, 2]);
});

it("workers of other code than the plan's are refused", async () => {
  const store = await opened();
  const { signal } = new AbortController();
  const plan = { code: "0.0.9-1", cells: [] } as unknown as StoredPlan;
  const opening = NodeWorkers.open(plan, { store, patience: 60, signal, note: silent });
  await expect(opening).rejects.toMatchObject({ code: "misfit" });
});

it("a paused store holds its workers until they are stopped, and a drained one ends them; both say so once", async () => {
  const store = await opened();
  const stop = new AbortController();
  const notes: string[] = [];
  const options = { store, signal: stop.signal, note: (text: string) => notes.push(text) };
  expect(await pauseOf(options)()).toBe("go");
  await ask(store, "pause");
  let answer = "";
  const paused = pauseOf(options)().then((asked) => {
    answer = asked;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(answer).toBe("");
  await ask(store, "drain");
  stop.abort();
  await paused;
  expect(answer).toBe("stop");
  const { signal } = new AbortController();
  expect(await pauseOf({ ...options, signal })()).toBe("stop");
  expect(notes).toHaveLength(2);
});
