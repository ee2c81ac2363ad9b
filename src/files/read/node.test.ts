import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../math/usage-error.ts";
import { readBytes, readBytesIfThere, readText, readTextIfThere } from "./node.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-read-"));
const at = (name: string) => join(folder, name);
const made = (name: string, ...words: string[]): boolean => spawnSync(name, words).status === 0;
const hasPipe = made("mkfifo", at("pipe"));
const hasDevice = made("mknod", at("device"), "c", "1", "5");
const server = createServer();

beforeAll(async () => {
  writeFileSync(at("text"), "größe\n");
  mkdirSync(at("folder"));
  symlinkSync("loop-b", at("loop-a"));
  symlinkSync("loop-a", at("loop-b"));
  symlinkSync("nowhere", at("dangling"));
  symlinkSync("text", at("link"));
  await new Promise<void>((done) => server.listen(at("socket"), done));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

describe("reading", () => {
  it("gives bytes and text, through links too", async () => {
    expect(await readText(at("text"))).toBe("größe\n");
    expect([...(await readBytes(at("link")))]).toHaveLength(8);
  });

  it("gives null for what is not there, where that is allowed", async () => {
    expect(await readBytesIfThere(at("none"))).toBeNull();
    expect(await readTextIfThere(at("text/below"))).toBeNull();
    expect(await readTextIfThere(at("dangling"))).toBeNull();
    await expect(readBytes(at("none"))).rejects.toThrow(/none: there is no such file/);
  });

  it.each([
    ["a folder", "folder", true, "is a folder"],
    ["a socket", "socket", true, "is a socket"],
    ["a pipe without a writer", "pipe", hasPipe, "is a named pipe"],
    ["an endless device", "device", hasDevice, "is a device"],
    ["a circle of links", "loop-a", true, "lead in a circle"],
    ["a name that is too long", "n".repeat(300), true, "name is too long"],
  ])("refuses %s at once", async (_, name, possible, message) => {
    if (!possible) return;
    for (const read of [readBytes, readText, readBytesIfThere, readTextIfThere])
      await expect(read(at(name))).rejects.toThrow(message);
    await expect(readBytes(at(name))).rejects.toThrow(UsageError);
  });

  it("refuses a file above the limit by its size, without reading it", async () => {
    writeFileSync(at("sparse"), "");
    truncateSync(at("sparse"), 2 ** 40);
    await expect(readBytes(at("sparse"))).rejects.toThrow(/has 1099511627776 bytes/);
    await expect(readBytes(at("text"), 7)).rejects.toThrow(/at most 7 are read/);
    expect(await readBytes(at("text"), 8)).toHaveLength(8);
  });

  it.runIf(process.platform === "linux")(
    "reads files that state no size, up to the limit",
    async () => {
      expect(await readText("/proc/self/stat")).toMatch(/^\d+ \(/);
      await expect(readBytes("/proc/self/maps", 10)).rejects.toThrow("at most 10 are read");
    },
  );
});
