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
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

type Work = (isHeld: () => boolean) => unknown;

/** A script, which runs before anything is built and so has no types. */
const script = pathToFileURL(join(import.meta.dirname, "..", "scripts", "lock.js")).href;
const { withLock }: { withLock(folder: string, work: Work, patience?: number): Promise<unknown> } =
  await import(/* @vite-ignore */ script);

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rampart-build-lock-"));
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const first = () => join(folder, ".prepare.1");
const onLinux = it.runIf(process.platform === "linux");

/** Contents that this process writes, with some fields replaced. */
async function contents(fields: object): Promise<string> {
  let text = "";
  await withLock(folder, () => {
    text = readFileSync(first(), "utf8");
  });
  return JSON.stringify(Object.assign(JSON.parse(text), fields));
}

/** Seconds until the lock is taken. */
async function waited(patience: number): Promise<number> {
  const start = performance.now();
  expect(await withLock(folder, (isHeld) => isHeld(), patience)).toBe(true);
  return (performance.now() - start) / 1000;
}

describe("the lock of a clone", () => {
  it("is held by one at a time, and leaves nothing behind", async () => {
    let inside = 0;
    const work = async () => {
      expect(++inside).toBe(1);
      await sleep(20);
      inside--;
    };
    await Promise.all(Array.from({ length: 5 }, () => withLock(folder, work)));
    expect(readdirSync(folder)).toEqual([]);
  });

  onLinux("is taken at once from a process that has ended", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    writeFileSync(first(), await contents({ pid: child.pid }));
    expect(await waited(60)).toBeLessThan(5);
  });

  onLinux("is taken at once where another process has the id of the one that had it", async () => {
    writeFileSync(first(), await contents({ pid: process.ppid, started: "1" }));
    expect(await waited(60)).toBeLessThan(5);
  });

  it.each([
    ["a dangling link", () => symlinkSync("nowhere", first())],
    ["a link to a device that never ends", () => symlinkSync("/dev/zero", first())],
    ["a folder with a file", () => mkdirSync(join(first(), "inner"), { recursive: true })],
    ["a file that is too long", () => writeFileSync(first(), " ".repeat(5000))],
  ])("is taken at once where %s has its name", async (_, put) => {
    put();
    expect(await waited(60)).toBeLessThan(5);
  });

  it.each([
    ["", "empty"],
    ["123456", "a number, as older versions wrote"],
    ["null", "null"],
    ["\u0000\u0001{", "garbage"],
    ['{"kernel":"of another machine","pid":1,"started":"1","beat":7}', "another machine's"],
  ])("is taken where a file that stands still holds %j (%s)", async (text) => {
    writeFileSync(first(), text);
    const seconds = await waited(0.3);
    expect(seconds).toBeGreaterThan(0.3);
    expect(seconds).toBeLessThan(5);
  });

  it("is left to an owner in another space of process ids while its counter goes up", async () => {
    const other = { kernel: "the same machine, another space", pid: process.pid };
    let beat = 0;
    const text = await contents(other);
    const write = () =>
      writeFileSync(first(), JSON.stringify(Object.assign(JSON.parse(text), { beat: beat++ })));
    write();
    const timer = setInterval(write, 50);
    setTimeout(() => clearInterval(timer), 900);
    expect(await waited(0.4)).toBeGreaterThan(0.9);
  });

  it("is lost by an owner that sees a higher attempt", async () => {
    await withLock(folder, (isHeld) => {
      writeFileSync(join(folder, ".prepare.2"), "");
      expect(isHeld()).toBe(false);
      rmSync(join(folder, ".prepare.2"));
      expect(isHeld()).toBe(true);
    });
  });

  it("says that nothing can be written where there is no folder", async () => {
    const nowhere = join(folder, "nowhere");
    await expect(withLock(nowhere, () => 0)).rejects.toThrow(
      `nothing can be written in ${nowhere}`,
    );
  });
});
