import { describe, expect, it } from "vitest";
import { type Attempt, Attempts, type Untaken } from "./attempts.ts";
import { openStore } from "./store/format.ts";
import { memoryStore } from "./store/memory.ts";

const clock = { now: () => 0, sleep: async () => undefined };
const never = () => false;

/** Processes of one machine on one store; those in `dead` no longer run. */
async function machine(dead: readonly string[] = []) {
  const store = memoryStore();
  await openStore(store, { create: true });
  const process = (owner: string) =>
    new Attempts({
      store,
      record: { token: owner, owner, identity: {} },
      clock,
      patience: 60,
      isAlive: async (record) => !dead.includes(record.owner),
      now: () => new Date(0),
    });
  return { store, process };
}

function taken(found: Attempt | Untaken): Attempt {
  if (!("files" in found)) throw new Error(`held by ${found.owner}`);
  return found;
}

describe("an attempt", () => {
  it("is lost once a higher one was made, or its number is another's", async () => {
    const { process } = await machine(["a"]);
    const first = taken(await process("a").take("c", never));
    expect(await first.isHeld()).toBe(true);
    const second = taken(await process("b").take("c", never));
    expect([second.number, second.before]).toEqual([2, 1]);
    expect([await first.isHeld(), await second.isHeld()]).toEqual([false, true]);
    // The cell is done or tried afresh, and numbers begin anew.
    await process("b").clear("c");
    const third = taken(await process("c").take("c", never));
    expect(third.number).toBe(1);
    expect([await first.isHeld(), await third.isHeld()]).toEqual([false, true]);
  });

  it("after one whose process has died on this machine is made at once, and names that process", async () => {
    const { process } = await machine(["a"]);
    expect(taken(await process("a").take("c", never)).lost).toBeNull();
    const next = taken(await process("b").take("c", never));
    expect(next.lost).toMatchObject({ attempt: 1, owner: "a", how: "lost" });
    expect(await process("d").take("c", never)).toMatchObject({ owner: "b" });
  });

  it("is not made where the ends of earlier ones speak against it", async () => {
    const { process, store } = await machine();
    const first = taken(await process("a").take("c", never));
    const end = { how: "failed", message: "m", code: null, retry: true, at: "" } as const;
    await first.close(end);
    const asked = await process("b").take("c", (ends) => ends[0].message === "m");
    expect(asked).toMatchObject({ owner: null, ends: [{ attempt: 1, how: "failed" }] });
    expect(await store.leases("c").attempts()).toEqual([1]);
    expect(taken(await process("b").take("c", never)).number).toBe(2);
  });
});
