import { spawnSync } from "node:child_process";
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fourExamples } from "../../../test/fixtures/rows-fixture.ts";
import { typed } from "../../../test/fixtures/typed-fixture.ts";
import { rowLine } from "../../files/row-lines.ts";
import { rampart } from "../main.ts";
import type { OutputKind } from "./command-files.ts";
import { refuseOverlaps } from "./outputs.ts";

let folder = "";
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rampart-outputs-"));
  writeFileSync(at("rows.jsonl"), fourExamples().map(rowLine).join(""));
});
afterEach(() => rmSync(folder, { recursive: true }));

const refused = (kind: OutputKind, values: Readonly<Record<string, unknown>>) =>
  refuseOverlaps({ inputs: ["model", "data", "classes"], outputs: { out: kind } }, values, false);

describe("an output", () => {
  it("is never the input of its command, however it is written", async () => {
    const rows = readFileSync(at("rows.jsonl"), "utf8");
    symlinkSync("rows.jsonl", at("symlink"));
    linkSync(at("rows.jsonl"), at("hard-link"));
    const ways = ["rows.jsonl", "./rows.jsonl", "symlink", "hard-link", "../x/rows.jsonl"];
    symlinkSync(folder, at("x"));
    for (const way of ways) {
      const path = way.startsWith("../") ? join(folder, "x", "rows.jsonl") : `${folder}/${way}`;
      const { code, err } = await typed(["report", at("rows.jsonl"), "--out", path]);
      expect({ code, way }).toEqual({ code: 2, way });
      expect(err).toContain("that this command reads");
      expect(readFileSync(at("rows.jsonl"), "utf8")).toBe(rows);
    }
  });

  it("is not one of the files that are read along with an input", async () => {
    writeFileSync(at("rows.settings.json"), "{}");
    const { code } = await typed(["report", at("rows.jsonl"), "--out", at("rows.settings.json")]);
    expect(code).toBe(2);
    expect(readFileSync(at("rows.settings.json"), "utf8")).toBe("{}");
  });

  it("is not the file of options, nor does it remove files beside itself that are read", async () => {
    writeFileSync(at("c.json"), "{}");
    const words = ["report", at("rows.jsonl"), "--config", at("c.json"), "--out", at("c.json")];
    expect((await typed(words)).code).toBe(2);
    writeFileSync(at("e.examples.npz"), "x");
    const data = `npz:${at("e.examples.npz")}`;
    await expect(refused("rows", { data, out: at("e.jsonl") })).rejects.toThrow("e.examples.npz");
  });

  it("does not lie in a folder of images, and does not replace one", async () => {
    mkdirSync(at("photos/cat"), { recursive: true });
    const data = `folder:${at("photos")}`;
    const audit = { folder: ["rows.jsonl", "pictures"] };
    await expect(refused(audit, { data, out: at("photos/audit") })).rejects.toThrow("photos");
    await expect(refused("stream", { data, out: at("photos/cat/r.html") })).rejects.toThrow();
    mkdirSync(at("out/pictures/cat"), { recursive: true });
    const inside = { data: `folder:${at("out/pictures")}`, out: at("out") };
    await expect(refused(audit, inside)).rejects.toThrow("pictures");
    await expect(refused(audit, { data, out: at("audit") })).resolves.toBeUndefined();
    await expect(refused(audit, { data, out: folder })).resolves.toBeUndefined();
  });

  it("may lie in a run directory, but is none of the run's own files", async () => {
    mkdirSync(at("run/checkpoints"), { recursive: true });
    writeFileSync(at("run/config.json"), "{}");
    const run = { model: at("run") };
    await expect(refused("rows", { ...run, out: at("run/rows.jsonl") })).resolves.toBeUndefined();
    for (const own of ["run/config.json", "run/checkpoints/epoch-1.safetensors", "run"])
      await expect(refused("stream", { ...run, out: at(own) })).rejects.toThrow(/run/);
  });

  it("a data set's name is not taken for a path, and a missing file is not an error", async () => {
    writeFileSync(at("cifar10"), "");
    await expect(
      refused("stream", { data: "cifar10", model: at("none.onnx"), out: at("cifar10") }),
    ).resolves.toBeUndefined();
  });

  it("is declared by every command that has --out", async () => {
    for (const load of Object.values(rampart.commands)) {
      const loaded = await load();
      for (const one of "commands" in loaded ? Object.values(loaded.commands) : [loaded]) {
        if (!("out" in one.options.shape)) continue;
        expect(Object.keys(one.files.outputs), one.summary).toContain("out");
        const named = one.positionals.map((name) => name.replace(/\.\.\.$|\?$/, ""));
        const words = named.filter((name) => name !== "what");
        expect(one.files.inputs, one.summary).toEqual(expect.arrayContaining(words));
      }
    }
  });
});

describe("--out -", () => {
  it("writes the result to standard output, and everything else to standard error", async () => {
    for (const name of ["-", "/dev/stdout"]) {
      const words = ["report", at("rows.jsonl"), "--format", "csv", "--out", name];
      const { code, out, err } = await typed(words);
      expect(code).toBe(0);
      expect(out).toMatch(/^label,/);
      expect(out).not.toContain("report:");
      expect(err).toContain("union");
    }
  });

  it("does not share standard output with --json, and is not a folder", async () => {
    const both = await typed(["report", at("rows.jsonl"), "--out", "-", "--json"]);
    expect(both.code).toBe(2);
    expect(both.err).toContain("both write to standard output");
    const many = await typed(["quickstart", "--out", "-"]);
    expect(many).toMatchObject({ code: 2 });
    expect(many.err).toContain("name a folder");
  });

  it("into a device leaves it a device", async () => {
    if (spawnSync("mknod", [at("device"), "c", "1", "3"]).status !== 0) return;
    const { code } = await typed(["report", at("rows.jsonl"), "--out", at("device")]);
    expect(code).toBe(0);
    expect(lstatSync(at("device")).isCharacterDevice()).toBe(true);
  });
});
