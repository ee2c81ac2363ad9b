import { execFile, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UsageError } from "../../math/usage-error.ts";
import { makeFolder, writeStream, writeWhole, writing } from "./node.ts";

let folder = "";
const at = (name: string) => join(folder, name);
const made = (name: string, ...words: string[]): boolean => spawnSync(name, words).status === 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rampart-write-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("writing a file whole", () => {
  it("makes folders, replaces what was there, keeps its permissions and leaves nothing else", async () => {
    await writeWhole(at("a/b/c.txt"), "one");
    chmodSync(at("a/b/c.txt"), 0o640);
    await writeWhole(at("a/b/c.txt"), "two");
    expect(readFileSync(at("a/b/c.txt"), "utf8")).toBe("two");
    expect(statSync(at("a/b/c.txt")).mode & 0o777).toBe(0o640);
    expect(readdirSync(at("a/b"))).toEqual(["c.txt"]);
  });

  it("follows links, which stay, and makes what a dangling one names", async () => {
    mkdirSync(at("far"));
    writeFileSync(at("far/real"), "old");
    symlinkSync("far/real", at("link"));
    symlinkSync("link", at("second"));
    symlinkSync("far/new", at("dangling"));
    await writeWhole(at("second"), "new");
    await writeWhole(at("dangling"), "made");
    expect(readFileSync(at("far/real"), "utf8")).toBe("new");
    expect(readFileSync(at("far/new"), "utf8")).toBe("made");
    expect([readlinkSync(at("link")), readlinkSync(at("second"))]).toEqual(["far/real", "link"]);
    expect(lstatSync(at("dangling")).isSymbolicLink()).toBe(true);
  });

  it("refuses a folder, a device, a pipe, a socket and a circle of links, and leaves them as they are", async () => {
    mkdirSync(at("folder"));
    symlinkSync("loop", at("loop"));
    const server = createServer();
    await new Promise<void>((done) => server.listen(at("socket"), done));
    const made1 = made("mknod", at("device"), "c", "1", "3") ? ["device"] : [];
    const made2 = made("mkfifo", at("pipe")) ? ["pipe"] : [];
    for (const name of ["folder", "loop", "socket", ...made1, ...made2]) {
      const kind = lstatSync(at(name)).mode;
      await expect(writeWhole(at(name), "x")).rejects.toThrow(UsageError);
      expect(lstatSync(at(name)).mode).toBe(kind);
    }
    server.close();
  });

  it("says what is wrong with a name, and does not follow a planted temporary link", async () => {
    await expect(writeWhole(at("n".repeat(300)), "x")).rejects.toThrow("name is too long");
    writeFileSync(at("file"), "");
    await expect(writeWhole(at("file/below"), "x")).rejects.toThrow(UsageError);
    symlinkSync(at("victim"), at("r.html.partial"));
    await writeWhole(at("r.html"), "x");
    expect(existsSync(at("victim"))).toBe(false);
  });

  it("puts one writer's contents in place whole where several write at once", async () => {
    const letters = ["a", "b", "c", "d"];
    const contents = letters.map((letter, i) => letter.repeat(300_000 * (i + 1)));
    let done = false;
    const written = Promise.all(contents.map((text) => writeWhole(at("same"), text))).finally(
      () => {
        done = true;
      },
    );
    while (!done) {
      if (existsSync(at("same"))) expect(contents).toContain(readFileSync(at("same"), "utf8"));
      await new Promise((next) => setImmediate(next));
    }
    await written;
    expect(readdirSync(folder)).toEqual(["same"]);
  });

  it("removes what killed writers left of this file long ago, and nothing else", async () => {
    const old = ["r.html.partial", "r.html.0123abcd.partial", "other.partial", "r.html.old"];
    for (const name of old) {
      writeFileSync(at(name), "");
      utimesSync(at(name), 1, 1);
    }
    writeFileSync(at("r.html.89abcdef.partial"), "of a writer at work");
    await writeWhole(at("r.html"), "x");
    expect(readdirSync(folder).sort()).toEqual(
      ["other.partial", "r.html", "r.html.89abcdef.partial", "r.html.old"].sort(),
    );
  });

  it.runIf(process.platform === "linux")("ends where a folder cannot be made", async () => {
    const made = writing("/proc/rampart-test/x", makeFolder("/proc/rampart-test/x"));
    await expect(made).rejects.toThrow(UsageError);
  });
});

describe("writing a stream", () => {
  it("goes into a device, which stays one", async () => {
    if (!made("mknod", at("device"), "c", "1", "3")) return;
    await writeStream(at("device"), "bytes");
    symlinkSync("device", at("link"));
    await writeStream(at("link"), "bytes");
    expect(lstatSync(at("device")).isCharacterDevice()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(["device", "link"]);
  });

  it("goes into a pipe, before or after somebody reads from it", async () => {
    if (!made("mkfifo", at("pipe"))) return;
    const contents = "0123456789".repeat(50_000);
    for (const wait of [0, 200]) {
      const written = writeStream(at("pipe"), contents);
      await new Promise((done) => setTimeout(done, wait));
      const { stdout } = await promisify(execFile)("cat", [at("pipe")], { maxBuffer: 1e7 });
      await written;
      expect(stdout).toBe(contents);
    }
  });

  it("stops waiting for a reader when it is told to", async () => {
    if (!made("mkfifo", at("pipe"))) return;
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    await expect(writeStream(at("pipe"), "x", stop.signal)).rejects.toThrow(/abort/);
  });

  it("replaces a regular file whole, and refuses a folder", async () => {
    await writeStream(at("file"), "one");
    expect(readFileSync(at("file"), "utf8")).toBe("one");
    mkdirSync(at("folder"));
    await expect(writeStream(at("folder"), "x")).rejects.toThrow("it is a folder");
  });
});
