import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leaseRecord, leaseText } from "./lease.ts";
import { leaseWork, nodeLeases } from "./node.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rampart-lease-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const work = () => ({ prefix: join(folder, "lease"), owned: folder, remedy: "choose another" });
const file = (attempt: number) => join(folder, `lease.${attempt}`);

describe("a lease on the disk", () => {
  it("keeps a second one out at once, names the process, and leaves nothing behind", async () => {
    const first = await leaseWork(work());
    const second = leaseWork(work());
    await expect(second).rejects.toThrow(`${folder} is in use by process ${process.pid};`);
    await expect(second).rejects.toMatchObject({ code: "in-use" });
    await first.check();
    await first.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("lets its counter go up in the file itself", async () => {
    const lease = await leaseWork(work());
    const before = readFileSync(file(1), "utf8");
    await new Promise((done) => setTimeout(done, 1500));
    const after = readFileSync(file(1), "utf8");
    expect(after).not.toBe(before);
    expect(after).toHaveLength(before.length);
    expect(leaseRecord(after)?.token).toBe(leaseRecord(before)?.token);
    await lease.release();
  });

  it.runIf(process.platform === "linux")(
    "is taken over at once from a process that was killed",
    async () => {
      const lease = await leaseWork(work());
      const own = leaseRecord(readFileSync(file(1), "utf8"));
      await lease.release();
      const child = spawn(process.execPath, ["-e", ""]);
      await once(child, "exit");
      const changes: Record<string, string>[] = [{ pid: String(child.pid) }, { started: "1" }];
      for (const gone of changes) {
        const identity = { ...own?.identity, ...gone };
        writeFileSync(file(1), leaseText({ token: "t", owner: "dead", identity }, 5));
        const next = await leaseWork(work());
        expect(next.attempt).toBe(2);
        await next.release();
      }
    },
  );

  it("stops its owner once somebody took over, or it was removed", async () => {
    const lease = await leaseWork(work());
    await nodeLeases(work().prefix).create(2, "x");
    await expect(lease.check()).rejects.toThrow("another process has taken over");
    rmSync(file(2));
    await lease.check();
    rmSync(file(1));
    await expect(lease.check()).rejects.toMatchObject({ code: "in-use" });
    await lease.release();
  });

  it("takes a folder and a dangling link for attempts that stand still", async () => {
    mkdirSync(file(1));
    symlinkSync("nowhere", file(2));
    const leases = nodeLeases(work().prefix);
    expect([...(await leases.attempts())].sort()).toEqual([1, 2]);
    expect(await leases.read(1)).toBe("");
    expect(await leases.create(1, "x")).toBeNull();
    expect(await leases.create(2, "x")).toBeNull();
  });
});
