import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { dataFound, openDatasetInNode } from "./node.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-data-dir-"));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "photos"));
writeFileSync(join(folder, "a.npz"), "");
writeFileSync(join(folder, "a.txt"), "");

it.each([
  ["photos", "is a folder; write folder:"],
  ["a.npz", "is a file; write npz:"],
  ["a.txt", "is a file; images are read from"],
])("the message about a path instead of a name says what to write: %s", async (name, text) => {
  await expect(openDatasetInNode(join(folder, name))).rejects.toThrow(text);
});

it.each([
  ["none", "does not exist"],
  ["a.txt", "is a file, not a folder"],
])("a folder of data sets that is none is refused: %s", async (name, text) => {
  const dataDir = join(folder, name);
  await expect(openDatasetInNode("shapes", { dataDir })).rejects.toThrow(text);
  await expect(dataFound({ dataDir })).rejects.toThrow(`--data-dir ${dataDir} ${text}`);
});
