import { expect, it } from "vitest";
import { fileOf, rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { npzBytes, parseNpz } from "../../data/npz.ts";
import type { Row } from "../../evaluate/row.ts";
import { summarize } from "../../evaluate/summary.ts";
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
  expect(text).toContain(`<th scope="col">0<small>${name}</small></th>`);
  expect(text).toContain(`alt="test image 0 (${name}): class 1"`);
});

it("captions an image by its number alone where it is no file", () => {
  expect(gallery({})).toContain('<th scope="col">0</th>');
});
