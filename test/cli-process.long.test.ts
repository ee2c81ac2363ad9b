import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rampart as program } from "../src/cli/main.ts";
import { rampartHere } from "./fixtures/in-process.ts";

const { commands } = program;

const root = join(import.meta.dirname, "..");
let clone: string;

/** A clone in which nothing has been built yet; its dependencies are ours, and its lockfile asks for none. */
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), "rampart-clone-"));
  for (const name of [
    "bin",
    "scripts",
    "src",
    "package.json",
    "tsconfig.json",
    "tsconfig.build.json",
  ])
    cpSync(join(root, name), join(clone, name), { recursive: true });
  writeFileSync(join(clone, "package-lock.json"), '{ "packages": {} }');
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"), "dir");
});

afterAll(() => rmSync(clone, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function rampart(words: readonly string[], { closeStdout = false } = {}): Promise<Ended> {
  const child = spawn(process.execPath, [join(clone, "bin", "rampart.js"), ...words]);
  let [out, err] = ["", ""];
  if (closeStdout) child.stdout.destroy();
  child.stdout.on("data", (data) => {
    out += data;
  });
  child.stderr.on("data", (data) => {
    err += data;
  });
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

describe("bin/rampart.js in a fresh clone", { timeout: 300_000 }, () => {
  it("is built once by two commands that start at the same time, and then no more", async () => {
    const both = await Promise.all([rampart(["--version"]), rampart(["--version"])]);
    for (const { code, out } of both) expect([code, out]).toEqual([0, "0.1.0\n"]);
    expect(both.map(({ err }) => err).filter((err) => err.includes("building"))).toHaveLength(1);
    expect(readdirSync(clone).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
    expect(await rampart(["--version"])).toEqual({ code: 0, out: "0.1.0\n", err: "" });
  });

  it("ends with code 2 and one line for an unknown command", async () => {
    expect(await rampart(["evalute"])).toEqual({
      code: 2,
      out: "",
      err: "unknown command evalute; did you mean evaluate?\n",
    });
  });

  it("says nothing when its reader goes away", async () => {
    const { code, err } = await rampart(["--help"], { closeStdout: true });
    expect([code, err]).toEqual([0, ""]);
  });
});

it("help lists every command, and each has help of its own", { timeout: 300_000 }, async () => {
  const { stdout } = await rampartHere("--help");
  for (const name of Object.keys(commands)) {
    expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
    const help = await rampartHere(name, "--help");
    expect(help.code, help.stderr).toBe(0);
    expect(help.stdout).toContain(`Usage: rampart ${name}`);
  }
});
