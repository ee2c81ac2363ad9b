import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_TEXT } from "../read/node.ts";
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
    const read = () => readFileSync(file(1), "utf8");
    await vi.waitFor(() => expect(read()).not.toBe(before), { timeout: 5000, interval: 20 });
    const after = read();
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
    const other = await nodeLeases(work().prefix).create(2, "x");
    await other?.stop();
    await expect(lease.check()).rejects.toThrow("another process has taken over");
    rmSync(file(2));
    await lease.check();
    rmSync(file(1));
    await expect(lease.check()).rejects.toMatchObject({ code: "in-use" });
    await lease.release();
  });

  const strangers: readonly (readonly [string, (path: string) => void])[] = [
    ["a folder", (path) => mkdirSync(path)],
    ["a symbolic link", (path) => symlinkSync("nowhere", path)],
    ["a symbolic link", (path) => symlinkSync(folder, path)],
    ["a named pipe", (path) => execFileSync("mkfifo", [path])],
  ];
  it.skipIf(process.platform === "win32").each(strangers)(
    "is refused at once where %s stands in its place, which stays",
    async (kind, make) => {
      make(file(3));
      const start = performance.now();
      const refused = leaseWork(work());
      await expect(refused).rejects.toThrow(`${file(3)} is ${kind}, where a lease is a file`);
      await expect(refused).rejects.toMatchObject({ code: "in-use" });
      expect(performance.now() - start).toBeLessThan(5000);
      expect(readdirSync(folder)).toEqual(["lease.3"]);
    },
  );

  it("stops its owner, too, where a folder appears in the place of a later one", async () => {
    const lease = await leaseWork(work());
    mkdirSync(file(2));
    await expect(lease.check()).rejects.toThrow(`${file(2)} is a folder`);
    await lease.release();
    expect(readdirSync(folder)).toEqual(["lease.2"]);
  });

  it("is refused at once where a file stands in its place that is too large to be one", async () => {
    writeFileSync(file(1), "");
    truncateSync(file(1), MAX_TEXT + 1);
    await expect(leaseWork(work())).rejects.toMatchObject({ code: "bad-file" });
    rmSync(file(1));
  });

  it.skipIf(process.platform === "win32" || process.getuid?.() === 0)(
    "is refused at once where it may not be read: its owner may be at work",
    async () => {
      writeFileSync(file(1), "x", { mode: 0o000 });
      await expect(leaseWork(work())).rejects.toThrow(`${file(1)} cannot be read`);
    },
  );
});
