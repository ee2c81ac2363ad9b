import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { imageDataset } from "../../data/image-dataset.ts";
import type { Note } from "../../math/note.ts";
import { tensor } from "../../math/tensor.ts";
import type { Model } from "../model.ts";
import { openTestImages } from "./node.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-tested-"));
afterAll(() => rmSync(folder, { recursive: true }));
const names = join(folder, "names.txt");
writeFileSync(names, "dog\ncat\n");

const images = tensor([10, 1, 1, 1]);
const labels = Array.from({ length: 10 }, (_, i) => i % 2);
const pets = imageDataset({ images, labels, classes: ["cat", "dog"], name: "pets" });
const model = {
  name: "m",
  path: "m.onnx",
  data: "pets",
  architecture: { inputShape: [1, 1, 1], classes: 2 },
  classNames: [],
} as unknown as Model;

async function opened(of: object, source: object) {
  const notes: Note[] = [];
  const given = Object.assign({}, model, of) as Model;
  const tested = await openTestImages(given, source, (note) => notes.push(note));
  return { tested, codes: notes.map(({ code }) => code) };
}

it("a data set given as a value is tested on the examples that training held out", async () => {
  const { tested, codes } = await opened({ heldOut: { examples: 2, of: 10 } }, { data: pets });
  expect([tested.dataset.test.size, tested.warning]).toEqual([2, null]);
  expect(codes).toEqual(["held-out"]);
});

it("a value whose images training may have seen gives the warning of a name", async () => {
  const { tested, codes } = await opened({}, { data: pets });
  expect(tested.warning).toContain("does not record a held-out part");
  expect(codes).toEqual(["held-out", "trained-on"]);
  const other = await opened({ data: "cifar10" }, { data: pets });
  expect(other.tested.warning).toContain("It may share images with the training data, cifar10");
  expect((await opened({ data: "" }, { data: pets })).codes).toEqual([]);
});

it("classes are matched with the outputs that a file names, in the file's order", async () => {
  const { tested } = await opened({ data: "" }, { data: pets, classes: names });
  expect(Array.from(tested.dataset.test.labels).slice(0, 4)).toEqual([1, 0, 1, 0]);
  expect(tested.dataset.classes).toEqual(["dog", "cat"]);
});

it.each([
  ["a class without an output", "dog\nbird\n", "bad-option"],
  ["no such file", null, "not-found"],
  ["a file without names", "", "bad-file"],
])("names of outputs with %s are refused", async (_, text, code) => {
  const path = join(folder, `names-${code}.txt`);
  if (text !== null) writeFileSync(path, text);
  await expect(opened({ data: "" }, { data: pets, classes: path })).rejects.toMatchObject({
    name: "UsageError",
    code: code === "bad-option" ? expect.any(String) : code,
  });
});
