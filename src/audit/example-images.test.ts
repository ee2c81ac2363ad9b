import { describe, expect, it } from "vitest";
import { rowWith } from "../../test/fixtures/rows-fixture.ts";
import { tensor } from "../math/tensor.ts";
import { exampleName, imageFiles } from "./example-images.ts";

describe("the name of an example's PNG", () => {
  it.each([
    ["cat/0017.png", "3-cat-0017"],
    ["a b/<x>&y.tar.jpeg", "3-a-b-x-y-tar"],
    ["../../etc/passwd", "3--etc-passwd"],
    ["кот/é\u0301.png", "3-кот-é\u0301"],
    [undefined, "3"],
  ])("of %s has no letter that a file system or a shell minds", (file, name) => {
    expect(exampleName(3, file)).toBe(name);
  });

  it("stays below 255 bytes and splits no letter", () => {
    const name = exampleName(3, `${"𒀀".repeat(200)}.png`);
    expect(Buffer.byteLength(name)).toBeLessThan(200);
    expect(name).not.toMatch(/\p{Surrogate}/u);
  });
});

it("images of an audit are named after the images' files", () => {
  const one = (value: number) => tensor([1, 1, 1, 1], [value]);
  const set = {
    name: "pgd-linf@0.031",
    indices: [2],
    originals: one(0.5),
    adversarials: one(0.531),
  };
  const files = (file?: string) => [...imageFiles([set], [rowWith({ index: 2, file })]).keys()];
  expect(files("cat/7.png")).toEqual(["2-cat-7-clean.png", "2-cat-7-pgd-linf-0.031.png"]);
  expect(files()).toEqual(["2-clean.png", "2-pgd-linf-0.031.png"]);
});
