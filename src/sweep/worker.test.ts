import { describe, expect, it } from "vitest";
import { nodeHost } from "../files/host/node.ts";
import { Attempts } from "./attempts.ts";
import { Board } from "./board.ts";
import type { Cell } from "./cell.ts";
import { requireCode } from "./code.ts";
import type { Execute, SweepEvent } from "./outcome.ts";
import { committedKeys, readResult } from "./results.ts";
import { openStore } from "./store/format.ts";
import { memoryStore } from "./store/memory.ts";
import { type Store, StoreAway } from "./store/store.ts";
import { CellWorker } from "./worker.ts";

const cell = (key: string, more: { inputs?: string[]; priority?: number } = {}): Cell =>
  ({
    key,
    label: key,
    labels: {},
    priority: more.priority ?? 0,
    cost: 1,
    work: { kind: "sleep", options: {}, inputs: more.inputs ?? [] },
  }) as unknown as Cell;

/** Several machines on one store, whose clock only sleeping moves. `dead` names machines whose counters stand still. */
async function place(cells: readonly Cell[]) {
  const store = memoryStore();
  await openStore(store, { create: true });
  let seconds = 0;
  const dead: string[] = [];
  const events: string[] = [];
  const clock = {
    now: () => seconds,
    async sleep(s: number) {
      seconds += s;
      store.tick(dead);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  const worker = (
    owner: string,
    execute: Execute,
    more: { store?: Store; retries?: number; signal?: AbortSignal } = {},
  ) => {
    const board = new Board();
    board.add(cells);
    const used = more.store ?? store;
    const attempts = new Attempts({
      store: used,
      record: { token: owner, owner, identity: {} },
      clock,
      patience: 60,
      isAlive: async () => null,
      now: () => new Date(0),
    });
    return Object.assign(
      new CellWorker({
        store: used,
        attempts,
        board,
        host: nodeHost,
        clock,
        execute,
        owner,
        retries: more.retries ?? 2,
        backOff: 10,
        look: 5,
        awaySeconds: 600,
        signal: more.signal ?? new AbortController().signal,
        onEvent: (event: SweepEvent) =>
          events.push("cell" in event ? `${owner} ${event.event} ${event.cell.key}` : event.event),
      }),
      { board, attempts },
    );
  };
  return { store, worker, clock, dead, events };
}

const result = (text: string) => ({
  how: "done" as const,
  files: new Map([["r.txt", new TextEncoder().encode(text)]]),
  removed: {},
});
const done: Execute = async ({ key }) => result(key);
const all = () => true;
const textOf = async (store: Store, key: string) =>
  new TextDecoder().decode(await readResult(store, key, "r.txt", nodeHost));

describe("a worker", () => {
  it("does every cell once, inputs first and then by priority", async () => {
    const cells = [
      cell("a"),
      cell("b", { priority: 1, inputs: ["c"] }),
      cell("c"),
      cell("d", { priority: 2 }),
    ];
    const { worker, store } = await place(cells);
    const order: string[] = [];
    const one = worker("one", async (asked, ...others) => {
      order.push(asked.key);
      return done(asked, ...others);
    });
    await one.run(all, { rescan: 1 });
    expect(order).toEqual(["d", "a", "c", "b"]);
    expect([...(await committedKeys(store))].sort()).toEqual(["a", "b", "c", "d"]);
    expect(await store.list("cells")).toEqual([]);
  });

  it("shares the cells with workers on other machines", async () => {
    const cells = Array.from({ length: 12 }, (_, i) => cell(`c${i}`));
    const { worker } = await place(cells);
    const order: string[] = [];
    const counting: Execute = async (asked, ...others) => {
      order.push(asked.key);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return done(asked, ...others);
    };
    const workers = ["one", "two", "three"].map((owner) => worker(owner, counting));
    await Promise.all(workers.map((one) => one.run(all, { rescan: 1 })));
    expect(order.toSorted()).toEqual(cells.map(({ key }) => key).toSorted());
  });

  it("tries a failed cell again after twice the wait each time, then calls it failed and blocks what needs it", async () => {
    const { worker, clock } = await place([cell("a"), cell("b", { inputs: ["a"] })]);
    const at: number[] = [];
    const one = worker("one", async () => {
      at.push(clock.now());
      return { how: "failed", message: "no luck", code: "unavailable", retry: true };
    });
    await one.run(all, { rescan: 1 });
    expect(at).toHaveLength(3);
    expect(at[1] - at[0]).toBeGreaterThanOrEqual(10);
    expect(at[2] - at[1]).toBeGreaterThanOrEqual(20);
    expect(one.board.failed.get("a")).toMatchObject({ message: "no luck", attempts: 3 });
    expect(one.board.isBlocked(cell("b", { inputs: ["a"] }))).toBe(true);
  });

  it("does not try again what would fail again, and another machine learns of it", async () => {
    const { worker } = await place([cell("a")]);
    let tries = 0;
    const failing: Execute = async () => {
      tries++;
      return { how: "failed", message: "unknown attack", code: "unknown-name", retry: false };
    };
    await worker("one", failing).run(all, { rescan: 1 });
    const two = worker("two", failing);
    await two.run(all, { rescan: 1 });
    expect(tries).toBe(1);
    expect(two.board.failed.get("a")?.code).toBe("unknown-name");
  });

  it("takes over a cell whose worker stands still for its patience, and not before", async () => {
    const { worker, dead, clock, store, events } = await place([cell("a")]);
    const first = worker("one", () => new Promise(() => undefined));
    void first.try(cell("a"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const two = worker("two", done);
    const start = clock.now();
    expect(await two.try(cell("a"))).toBe("held");
    dead.push("one");
    await two.run(all, { rescan: 1 });
    expect(clock.now() - start).toBeGreaterThanOrEqual(60);
    expect(await textOf(store, "a")).toBe("a");
    expect(events).toContain("two committed a");
  });

  it("that wakes up late drops its result: the first commit stays", async () => {
    const { worker, dead, store, events } = await place([cell("a")]);
    let wake = (_: ReturnType<typeof result>) => {};
    const late = worker("one", () => new Promise((resolve) => (wake = resolve)));
    const tried = late.try(cell("a"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    dead.push("one");
    await worker("two", async () => result("first")).run(all, { rescan: 1 });
    wake(result("late"));
    expect(["known", "lost"]).toContain(await tried);
    expect(await textOf(store, "a")).toBe("first");
    expect(events).not.toContain("one committed a");
    expect(await store.list("files/a")).toHaveLength(1);
  });

  it("stops computing once another machine has taken over", async () => {
    const { worker, dead, clock } = await place([cell("a")]);
    const first = worker("one", (_, __, signal) => {
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve({ how: "stopped" }));
      });
    });
    const tried = first.try(cell("a"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    dead.push("one");
    const two = worker("two", () => new Promise(() => undefined));
    void two.run(all, { rescan: 1 });
    while (two.board.busy.size === 0 || clock.now() < 100) await clock.sleep(1);
    expect(await tried).toBe("lost");
  });

  it("waits for a store that is away, and loses nothing", async () => {
    const { worker, store, events, clock } = await place([cell("a"), cell("b")]);
    let away = 0;
    const flaky =
      (name: "create" | "list" | "read") =>
      async (...given: never[]) => {
        if (away > clock.now()) throw new StoreAway("memory", "the file system is read-only");
        return (store[name] as (...all: never[]) => Promise<never>)(...given);
      };
    const used = Object.assign({}, store, {
      create: flaky("create"),
      list: flaky("list"),
      read: flaky("read"),
    }) as Store;
    const one = worker(
      "one",
      async (asked, ...others) => {
        away = clock.now() + 60;
        return done(asked, ...others);
      },
      { store: used },
    );
    await one.run(all, { rescan: 1 });
    expect(await committedKeys(store)).toEqual(new Set(["a", "b"]));
    expect(events.filter((one) => one === "away")).toHaveLength(2);
    expect(events.filter((one) => one === "back")).toHaveLength(2);
  });

  it("says so and waits a moment before it goes on with an attempt whose files could not be written", async () => {
    const { worker, store, events, clock } = await place([cell("a")]);
    const start = clock.now();
    const numbers: number[] = [];
    const one = worker("one", async (asked, attempt, signal) => {
      numbers.push(attempt.number);
      if (numbers.length < 3) return { how: "away", message: "no space left" };
      return done(asked, attempt, signal);
    });
    await one.run(all, { rescan: 1 });
    expect(numbers).toEqual([1, 1, 1]);
    expect(await textOf(store, "a")).toBe("a");
    expect(events.filter((one) => one === "away")).toHaveLength(2);
    expect(clock.now() - start).toBeGreaterThanOrEqual(1);
  });

  it("does not go on while a disk takes empty files only, and gives up where a cell never fits", async () => {
    const { worker, clock, store, events } = await place([cell("a")]);
    const full = (seconds: number): Execute => {
      const until = clock.now() + seconds;
      return async (asked, attempt, signal) => {
        const { write } = attempt.files;
        const files = attempt.files as { write: typeof write };
        files.write = async (name, contents) => {
          if (contents.length > 0 && clock.now() < until) throw new Error("no space left");
          return write(name, contents);
        };
        if (clock.now() < until) return { how: "away", message: "no space left" };
        return done(asked, attempt, signal);
      };
    };
    const start = clock.now();
    await worker("one", full(60)).run(all, { rescan: 1 });
    expect(clock.now() - start).toBeLessThan(75);
    expect(events.filter((one) => one === "away")).toHaveLength(1);
    expect(await textOf(store, "a")).toBe("a");

    const other = await place([cell("b")]);
    const never = other.worker("two", async () => ({ how: "away", message: "no space" }), {
      retries: 0,
    });
    await never.run(all, { rescan: 1 });
    expect(never.board.failed.get("b")?.message).toContain("no space");
  });

  it("stops when it is asked to, and the next one continues with the next attempt", async () => {
    const { worker, store } = await place([cell("a")]);
    const controller = new AbortController();
    const one = worker(
      "one",
      async () => {
        controller.abort();
        return { how: "stopped" };
      },
      { signal: controller.signal },
    );
    await one.run(all, { rescan: 1 });
    expect(await committedKeys(store)).toEqual(new Set());
    let before: number | null = null;
    await worker("two", async (asked, attempt, signal) => {
      before = attempt.before;
      return done(asked, attempt, signal);
    }).run(all, { rescan: 1 });
    expect(before).toBe(1);
  });

  it("with other code is refused, and both versions are named", () => {
    expect(() => requireCode("0.1.0-1", "0.2.0-1")).toThrow(/0\.1\.0-1.*0\.2\.0-1/);
    expect(() => requireCode("a", "a")).not.toThrow();
  });
});
