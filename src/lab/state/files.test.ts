import { expect, it } from "vitest";
import { refusedModel, sorted, type UserFile } from "./files.ts";

const fileOf = (name: string, size = 1, type = ""): UserFile => ({
  file: { name, size, type } as File,
  folder: null,
});
const namesOf = (files: readonly UserFile[]) => files.map(({ file }) => file.name);

it("tells models, images and what belongs to a model from each other, and skips hidden files", () => {
  const names = ["a.onnx", "B.ONNX.gz", "x.PNG", "config.json", "a.onnx.data", ".DS_Store"];
  const { models, images, beside } = sorted([
    ...names.map((name) => fileOf(name)),
    fileOf("photo", 1, "image/webp"),
  ]);
  expect(namesOf(models)).toEqual(["a.onnx", "B.ONNX.gz"]);
  expect(namesOf(images)).toEqual(["x.PNG", "photo"]);
  expect(namesOf(beside)).toEqual(["config.json", "a.onnx.data"]);
});

it("refuses a model by its size together with its arrays, and names the command to run instead", () => {
  const half = 2 ** 29;
  expect(refusedModel([fileOf("a.onnx", half)])).toBeNull();
  const refused = refusedModel([fileOf("a.onnx", half), fileOf("a.onnx.data", half)]);
  expect(refused).toMatch(/a\.onnx has 1\.00 GiB.*up to 0\.75 GiB/);
  expect(refused).toContain("rampart audit a.onnx");
});
