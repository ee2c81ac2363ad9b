import { expect, it } from "vitest";
import { nodeHost } from "../../files/host/node.ts";
import { Board } from "../board.ts";
import type { Cell } from "../cell.ts";
import { commit } from "../results.ts";
import { memoryStore } from "../store/memory.ts";
import type { CellQueue } from "./node.ts";
import { type QueueTasks, readyAfter, rescan } from "./node-worker.ts";

const cell = (key: string, inputs: readonly string[] = []): Cell =>
  ({ key, priority: 0, work: { kind: "sleep", inputs } }) as unknown as Cell;

const times = { owner: "", attempt: 1, started: "", ended: "", seconds: 1, removed: {} };

/** A worker that knows these cells, a queue that is empty or not, and what was queued. */
function place(cells: readonly Cell[], isEmpty = true) {
  const store = memoryStore();
  const board = new Board();
  board.add(cells);
  const queued: string[] = [];
  const queue = {
    isEmpty: async () => isEmpty,
    add: async (added: readonly Cell[]) => void queued.push(...added.map(({ key }) => key)),
  } as unknown as CellQueue;
  const refreshed: string[] = [];
  const tasks = {
    store,
    board,
    refresh: async () => void refreshed.push("looked"),
  } as unknown as QueueTasks;
  const done = (key: string) => commit(store, key, { files: new Map(), times, host: nodeHost });
  return { board, queue, queued, refreshed, tasks, done };
}

it("a cell is queued by whoever commits the last of its inputs, wherever the others were committed", async () => {
  const cells = [cell("a"), cell("c"), cell("b", ["a", "c"]), cell("d", ["b"])];
  const { board, tasks, done } = place(cells);
  board.setDone(["a"]);
  expect(await readyAfter("a", tasks)).toEqual([]);
  await done("c");
  expect((await readyAfter("a", tasks)).map(({ key }) => key)).toEqual(["b"]);
});

it("a look at the store queues again what a queue has lost: cells that are ready, and that nobody here has", async () => {
  const cells = [cell("a"), cell("b", ["a"]), cell("c"), cell("d"), cell("e")];
  const { board, queue, queued, tasks } = place(cells);
  board.setDone(["d"]);
  board.busy.add("c");
  board.setFailed("e", { message: "", code: null, attempts: 3 });
  await rescan(queue, tasks);
  expect(queued).toEqual(["a"]);
});

it("a look at the store leaves a queue alone in which jobs wait", async () => {
  const { queue, queued, refreshed, tasks } = place([cell("a")], false);
  await rescan(queue, tasks);
  expect([queued, refreshed]).toEqual([[], ["looked"]]);
});
