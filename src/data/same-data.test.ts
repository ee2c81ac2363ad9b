import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, expect, it } from "vitest";
import { isSameData } from "./node.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-same-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "a.npz");
writeFileSync(file, "");
writeFileSync(join(folder, "b.npz"), "");
symlinkSync(file, join(folder, "link.npz"));

it.each([
  ["a relative path", `npz:${relative(process.cwd(), file)}`, true],
  ["a path through its folder", `npz:${folder}/./x/../a.npz`, true],
  ["a link to it", `npz:${folder}/link.npz`, true],
  ["another file", `npz:${folder}/b.npz`, false],
  ["a file that is gone", `npz:${folder}/c.npz`, false],
  ["the same path as another kind", `folder:${file}`, false],
  ["a data set with a name", "cifar10", false],
])("a file and %s", async (_, other, same) => {
  expect(await isSameData(`npz:${file}`, other)).toBe(same);
});
