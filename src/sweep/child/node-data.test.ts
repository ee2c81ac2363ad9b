import { expect, it } from "vitest";
import type { Dataset } from "../../data/dataset.ts";
import { KeptData } from "./node-data.ts";

/** Data sets that are counted as they are opened; `missing` cannot be opened. */
function counted(missing: readonly string[] = []) {
  const opened: string[] = [];
  const data = new KeptData(undefined, async (name) => {
    opened.push(name);
    if (missing.includes(name)) throw new Error(`no ${name}`);
    return { name } as Dataset;
  });
  return { data, opened };
}

it("a data set is opened once for all cells that have it, and again after another one", async () => {
  const { data, opened } = counted();
  const all = [await data.open("a"), await data.open("a"), await data.open("b")];
  expect(all.map(({ name }) => name)).toEqual(["a", "a", "b"]);
  await data.open("a");
  expect(opened).toEqual(["a", "b", "a"]);
});

it("a folder or a file is opened for every cell, since its reading depends on the model", async () => {
  const { data, opened } = counted();
  for (const name of ["folder:x", "folder:x", "npz:y", "npz:y"]) await data.open(name);
  expect(opened).toHaveLength(4);
});

it("a data set that could not be opened is tried again", async () => {
  const missing = ["a"];
  const { data, opened } = counted(missing);
  await expect(data.open("a")).rejects.toThrow("no a");
  missing.pop();
  expect((await data.open("a")).name).toBe("a");
  expect(opened).toEqual(["a", "a"]);
});
