import { describe, expect, it } from "vitest";
import { type HeldLease, type Lease, type LeaseRequest, leaseText, takeLease } from "./lease.ts";
import { memoryLeases } from "./memory.ts";

const record = (name: string) => ({ token: `token of ${name}`, owner: name, identity: {} });

/** A place whose clock and counters only sleeping moves; `stopped` names owners whose counters stand still. */
function place() {
  const storage = memoryLeases();
  let seconds = 0;
  const told: string[] = [];
  const request = (name: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
    record: record(name),
    clock: {
      now: () => seconds,
      async sleep(s) {
        seconds += s;
        if (Math.floor(seconds) > Math.floor(seconds - s)) storage.tick();
      },
    },
    patience: 10,
    isAlive: async () => null,
    waiting: (owner) => told.push(owner),
    ...more,
  });
  return { storage, request, told, elapsed: () => seconds };
}

const lease = (taken: Lease | HeldLease): Lease => {
  if (!("attempt" in taken)) throw new Error(`held by ${taken.owner}`);
  return taken;
};

describe("a lease", () => {
  it("keeps everybody else out while its counter moves", async () => {
    const { storage, request, told, elapsed } = place();
    const first = lease(await takeLease(storage, request("a")));
    expect(await takeLease(storage, request("b"))).toEqual({ owner: "a" });
    expect(elapsed()).toBeLessThan(2);
    expect(told).toEqual(["a"]);
    expect(await first.isHeld()).toBe(true);
  });

  it("is free again at once when it is released", async () => {
    const { storage, request, elapsed } = place();
    await lease(await takeLease(storage, request("a"))).release();
    expect(lease(await takeLease(storage, request("b"))).attempt).toBe(1);
    expect(elapsed()).toBe(0);
  });

  it("is taken over when its counter stood still for the observer's own patience, and its owner then knows", async () => {
    const { storage, request, elapsed } = place();
    await storage.create(3, leaseText(record("dead"), 7));
    const taken = lease(await takeLease(storage, request("b")));
    expect(taken.attempt).toBe(4);
    expect(elapsed()).toBeGreaterThanOrEqual(10);
    expect(await storage.attempts()).toEqual([4]);
  });

  it("is lost by an owner that was only asleep, even when numbers begin anew", async () => {
    const { storage, request } = place();
    const asleep = lease(await takeLease(storage, request("a", { isAlive: async () => false })));
    const next = lease(await takeLease(storage, request("b", { isAlive: async () => false })));
    expect(next.attempt).toBe(2);
    expect([await asleep.isHeld(), await next.isHeld()]).toEqual([false, true]);
    await next.release();
    const third = lease(await takeLease(storage, request("c")));
    expect(third.attempt).toBe(1);
    expect([await asleep.isHeld(), await third.isHeld()]).toEqual([false, true]);
    await asleep.release();
    expect(await third.isHeld()).toBe(true);
  });

  it("is decided at once where the machine knows the owner", async () => {
    const { storage, request, elapsed, told } = place();
    await storage.create(1, leaseText(record("a"), 0));
    const alive = await takeLease(storage, request("b", { isAlive: async () => true }));
    expect(alive).toEqual({ owner: "a" });
    lease(await takeLease(storage, request("b", { isAlive: async () => false })));
    expect({ elapsed: elapsed(), told }).toEqual({ elapsed: 0, told: [] });
  });

  it.each(["", "null", "{oops", '{"pid":1}', "[]", "3"])(
    "of contents %j counts as one that stands still",
    async (text) => {
      const { storage, request } = place();
      await storage.create(1, text);
      expect(lease(await takeLease(storage, request("b"))).attempt).toBe(2);
    },
  );

  it("goes to exactly one of many that want it at the same time", async () => {
    for (let round = 0; round < 20; round++) {
      const { storage, request } = place();
      if (round % 2 === 1) await storage.create(1, leaseText(record("dead"), 0));
      const names = Array.from({ length: 6 }, (_, i) => `p${i}`);
      const all = await Promise.all(names.map((name) => takeLease(storage, request(name))));
      const won = all.filter((one) => "attempt" in one);
      const held = await Promise.all(won.map((one) => one.isHeld()));
      expect(held.filter(Boolean)).toHaveLength(1);
    }
  });

  it("is not waited for after the wait is aborted", async () => {
    const { storage, request } = place();
    await storage.create(1, leaseText(record("dead"), 0));
    const signal = AbortSignal.abort();
    await expect(takeLease(storage, request("b", { signal }))).rejects.toThrow(/abort/);
  });
});
