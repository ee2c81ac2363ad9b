import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  count,
  folder,
  good,
  labels,
  network,
  pixels,
  place,
  removeFolder,
} from "../../test/fixtures/audit-fixture.ts";
import { typed } from "../../test/fixtures/typed-fixture.ts";
import { npzBytes } from "../data/npz.ts";
import { tensor } from "../math/tensor.ts";

removeFolder();

const images = join(folder, "growing.npz");
/** Writes the images from this one on, without a split. */
const write = (from: number) => {
  const x = tensor([count - from, 1, 4, 4], pixels.slice(16 * from));
  writeFileSync(images, npzBytes({ x, y: tensor([count - from], labels.slice(from)) }));
};

/** Hardens a file in a step or two, and returns the notes of the comparison about images and all of stderr. */
async function hardened(model: string, out: string, from = images) {
  const words = ["--defense", "standard", "--batch", "16", "--epochs", "20", "--rate", "0.5"];
  const tests = ["--test-examples", "4", "--test-norms", "linf", "--threads", "1", "--json"];
  const place = ["--data", `npz:${from}`, "--out", out];
  const { code, out: printed, err } = await typed(["harden", model, ...place, ...words, ...tests]);
  expect(code).toBe(0);
  const lines = printed
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { notes, noteCodes } = lines.findLast((line) => Array.isArray(line.notes));
  // A few steps may improve nothing, which says nothing of the images.
  const ofImages = notes.filter((_: string, i: number) => noteCodes[i] !== "not-better");
  return { notes: ofImages.join("\n"), err };
}

it("says that a file may have been trained on the images that are held out now", async () => {
  write(0);
  const out = place();
  const first = await hardened(network("biased", { bias: [2, 0, 0, 0] }), out);
  const text = `8 of the 40 images of npz:${images} are held out for the test`;
  expect(first.notes).toContain(text);
  expect(readFileSync(join(out, "report.html"), "utf8")).toContain("are held out for the test");

  // The trained file has not seen them, until the data set changes.
  const trained = join(out, "model.onnx");
  const again = await hardened(trained, place());
  expect([again.notes, again.err.includes("trained on:")]).toEqual(["", false]);
  write(4);
  const changed = await hardened(trained, place());
  const warning = "may have been trained on: .* held out 8 of 40 examples, but it now has 36";
  expect(changed.notes).toMatch(new RegExp(warning));
  // Before the training, and with the report.
  expect(changed.err.match(new RegExp(warning, "g"))).toHaveLength(2);
});

it("says nothing of images that have a test split", async () => {
  const split = join(folder, "split.npz");
  const x = tensor([count, 1, 4, 4], pixels);
  const y = tensor([count], labels);
  writeFileSync(split, npzBytes({ x_train: x, y_train: y, x_test: x, y_test: y }));
  expect((await hardened(good, place(), split)).notes).toBe("");
});
