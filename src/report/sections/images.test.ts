import { expect, it } from "vitest";
import { fileOf, rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { npzBytes, parseNpz } from "../../data/npz.ts";
import type { Row } from "../../evaluate/row.ts";
import { summarize } from "../../evaluate/summary.ts";
import { fillBits, keyOf } from "../../math/random.ts";
import { evaluationsOf } from "../evaluations.ts";
import { readRows } from "../read-rows.ts";
import { imagesSection } from "./images.ts";

const pixels = (value: number) => ({
  data: new Float32Array(4).fill(value),
  shape: [1, 1, 2, 2],
});
const examples = npzBytes({
  "pgd-linf@0.031/index": { data: Float32Array.of(0), shape: [1] },
  "pgd-linf@0.031/original": pixels(0.5),
  "pgd-linf@0.031/adversarial": pixels(0.531),
});

/** The gallery of one image whose row was written to a file and read again. */
function gallery(changes: Partial<Row>): string {
  const { rows } = readRows("rows.jsonl", `${JSON.stringify(rowWith(changes))}\n`);
  const evaluations = evaluationsOf([fileOf(rows, { examples })], { summarize, parseNpz });
  return imagesSection(evaluations)?.markup ?? "";
}

it("captions an image by its file, escaped", () => {
  const text = gallery({ file: 'cats & dogs/<b onload="x">.png' });
  const name = "cats &amp; dogs/&lt;b onload=&quot;x&quot;&gt;.png";
  expect(text).toContain(`<b>Test image 0</b>: class 1<small>${name}</small>`);
  expect(text).toContain(`alt="test image 0 (${name}): class 1"`);
});

it("captions an image by its number alone if it is not a file", () => {
  expect(gallery({})).toContain("<b>Test image 0</b>: class 1</p>");
});

it("opens each image by a link to itself, with a link that closes it", () => {
  const text = gallery({});
  const [, id] = /<figure class="view" id="([^"]+)">/.exec(text) ?? [];
  expect(text).toContain(`<a href="#${id}"><img src="data:image/png`);
  expect(text).toContain('<a class="close" href="#images">Close</a>');
});

/** The gallery of `count` noisy images, which no PNG packs, at two radii; `letters` is what they may take. */
function noisy(count: number, letters?: number): string {
  const side = 8;
  const bits = new Uint32Array(count * 3 * side * side);
  fillBits(keyOf(1), bits);
  const data = Float32Array.from(bits, (word) => word / 2 ** 32);
  const images = { data, shape: [count, 3, side, side] };
  const index = { data: Float32Array.from({ length: count }, (_, i) => i), shape: [count] };
  const radii = [0.01, 0.031];
  const stored = Object.fromEntries(
    radii.flatMap((epsilon) => [
      [`pgd-linf@${epsilon}/index`, index],
      [`pgd-linf@${epsilon}/original`, images],
      [`pgd-linf@${epsilon}/adversarial`, images],
    ]),
  );
  const rows = radii.flatMap((epsilon) =>
    Array.from({ length: count }, (_, i) => rowWith({ index: i, epsilon })),
  );
  const source = fileOf(rows, { examples: npzBytes(stored) });
  const evaluations = evaluationsOf([source], { summarize, parseNpz });
  return imagesSection(evaluations, letters)?.markup ?? "";
}

/** The number of examples below each heading. */
const examplesBelow = (text: string): number[] =>
  text.split("</h3>").map((part) => part.split("<b>Test image").length - 1);

it("shows at most 12 images of an attack, and fewer where they are too large for one file", () => {
  const all = noisy(20);
  expect(all).toContain("12 of 20 stored images");
  expect(examplesBelow(all)).toEqual([0, 12, 12]);
  const few = noisy(20, all.length / 8);
  expect(few.length).toBeLessThan(all.length / 3);
  // Radius 0.031 comes first, and the first example of every attack before the second of any.
  const [, largest, smaller] = examplesBelow(few);
  expect([largest - smaller, smaller > 0]).toEqual([largest === smaller ? 0 : 1, true]);
});

it("notes that images are missing only where an attack found any", () => {
  const notes = (changes: Partial<Row>) =>
    evaluationsOf([fileOf([rowWith(changes)])], { summarize, parseNpz })[0].notes;
  const codes = (changes: Partial<Row>) => notes(changes).map(({ code }) => code);
  expect(codes({})).toContain("no-images");
  expect(codes({ correct: 1, majority: 1 })).not.toContain("no-images");
  expect(codes({ clean: 0, prediction: 0 })).not.toContain("no-images");
});
