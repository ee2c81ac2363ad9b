import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readRowLines } from "../row-lines.ts";
import { nodeStorage } from "../storage/node.ts";
import { memoryStorage, type Storage, textIfThere } from "../storage/storage.ts";
import { besideRows, RowsFile, type RowsFormat } from "./rows-file.ts";

interface Numbered {
  readonly index: number;
}

const format = (settings?: object): RowsFormat<Numbered> => ({
  settings,
  parse(file, contents) {
    const { rows, whole } = readRowLines(file, contents);
    return { rows: rows.map(({ value }) => value as Numbered), whole };
  },
  checkSettings({ file, text }) {
    if (!text.includes('"steps": 2')) throw new Error(`${file} has other settings`);
  },
});

const places: readonly [string, () => Storage][] = [
  ["memory", () => memoryStorage("place")],
  ["a folder", () => nodeStorage(`${mkdtempSync(join(tmpdir(), "rows-file-"))}/`)],
];

describe.each(places)("rows in %s", (_, place) => {
  const open = (storage: Storage, { resume = false, settings = { steps: 2 } } = {}) =>
    RowsFile.open({ storage, name: "rows.jsonl", format: format(settings), resume });

  it("are found again by a call that resumes, without a line that was cut off", async () => {
    const storage = place();
    const file = await open(storage);
    await file.prepare();
    await file.append([{ index: 0 }, { index: 1 }]);
    await file.writeImages(Uint8Array.of(1, 2));
    await file.close();
    await storage.append("rows.jsonl", '{"index":2,"é');
    const again = await open(storage, { resume: true });
    expect(again.rows).toEqual([{ index: 0 }, { index: 1 }]);
    expect(Array.from((await again.images()) ?? [])).toEqual([1, 2]);
    await again.append([{ index: 2 }]);
    await again.close();
    const text = (await textIfThere(storage, "rows.jsonl")) ?? "";
    expect(readRowLines("rows", text).rows.map(({ value }) => value)).toEqual([
      { index: 0 },
      { index: 1 },
      { index: 2 },
    ]);
  });

  it("are not overwritten, nor continued under other or unknown settings", async () => {
    const storage = place();
    const file = await open(storage);
    await file.prepare();
    await file.append([{ index: 0 }]);
    await file.close();
    await expect(open(storage)).rejects.toMatchObject({ code: "in-use" });
    await storage.write("rows.settings.json", '{"steps": 3}');
    await expect(open(storage, { resume: true })).rejects.toThrow("has other settings");
    await storage.remove("rows.settings.json");
    await expect(open(storage, { resume: true })).rejects.toMatchObject({ code: "not-found" });
    // Each refusal has given the lease back.
    await storage.write("rows.settings.json", '{"steps": 2}');
    await (await open(storage, { resume: true })).close();
  });

  it("have one writer at a time", async () => {
    const storage = place();
    const file = await open(storage);
    await expect(open(storage, { resume: true })).rejects.toMatchObject({ code: "in-use" });
    await file.close();
    await (await open(storage, { resume: true })).close();
  });

  it("that begin anew lose the images of rows that are gone", async () => {
    const storage = place();
    await storage.write("rows.examples.npz", Uint8Array.of(7));
    const file = await open(storage);
    expect(await file.images()).toBeUndefined();
    await file.prepare();
    await file.close();
    expect(await storage.readIfThere("rows.examples.npz")).toBeNull();
    expect(await textIfThere(storage, "rows.settings.json")).toContain('"steps": 2');
  });

  it("that state their own settings have no files beside them", async () => {
    const storage = place();
    const options = { storage, name: "rows.jsonl", format: format(), resume: true };
    const file = await RowsFile.open(options);
    await file.prepare();
    await file.append([{ index: 5 }]);
    await file.close();
    const again = await RowsFile.open(options);
    expect(again.rows).toEqual([{ index: 5 }]);
    await again.close();
    expect(await storage.readIfThere("rows.settings.json")).toBeNull();
  });
});

it("files beside rows are named after them", () => {
  expect(besideRows("a/rows.jsonl", "settings.json")).toBe("a/rows.settings.json");
});

it("many appends to memory are one text", async () => {
  const storage = memoryStorage();
  const line = `${"x".repeat(999)}\n`;
  for (let i = 0; i < 300; i++) await storage.append("a", line);
  expect((await storage.read("a")).length).toBe(300_000);
});
