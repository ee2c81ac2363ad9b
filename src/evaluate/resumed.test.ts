import { describe, expect, it } from "vitest";
import { pixelsChecksum } from "../data/image-checksum.ts";
import { rowLine } from "../files/row-lines.ts";
import { tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { resumedRows } from "./resumed.ts";

const row = {
  model: "m",
  defense: "none",
  data: "d",
  index: 1,
  label: 2,
  prediction: 2,
  adversarialPrediction: 0,
  attack: "pgd-linf",
  norm: "linf",
  epsilon: 0.03,
  objective: "ce",
  eot: 1,
  restarts: 1,
  steps: 10,
  protocol: "sound",
  rule: "single",
  seed: 0,
  clean: 1,
  correct: 0,
  correctChoose: 0,
  majority: 0,
  correct8bit: 0,
  oneDraw: null,
  linf: 0.03,
  l2: 1,
  l1: 2,
  draws: 1,
  queries: 10,
  seconds: 0.1,
};
const files = ["a/0.png", "b/0.png", "c/0.png"];
const test = {
  size: 3,
  labels: [0, 1, 2].map((i) => i + 1),
  files,
  images: (indices: readonly number[]) => tensor([indices.length, 1], [...indices]),
};
const sumOf = (index: number) => pixelsChecksum(test.images([index]));
const resumed = (...rows: object[]) =>
  resumedRows("r.jsonl", rows.map(rowLine).join(""), test).rows;

describe("rows that an evaluation continues", () => {
  it("are those of its images, each once", () => {
    expect(resumed(row, { ...row, index: 2, label: 3 })).toHaveLength(2);
    expect(resumed(row, { ...row, epsilon: 0.01 })).toHaveLength(2);
    const stated = { ...row, file: files[1], image: sumOf(1) };
    expect(resumed(stated, { ...row, epsilon: 0.01 })).toHaveLength(2);
  });

  it.each([
    ["a share above 1", { ...row, correct: 3 }, /r\.jsonl:2 .*correct/],
    ["a missing field", { index: 1 }, /r\.jsonl:2 .*model/],
    [
      "an image beyond the test split",
      { ...row, index: 3 },
      /r\.jsonl:2 is not a row of this evaluation: its index is 3, but there are 3 test images/,
    ],
    ["another label", { ...row, index: 2 }, /its label is 2, but test image 2 has label 3/],
    [
      "another file",
      { ...row, epsilon: 0.01, file: "b/new.png" },
      /r\.jsonl:2 .*it is about b\/new\.png, but test image 1 is b\/0\.png;\s+restore the images/,
    ],
    [
      "other pixels",
      { ...row, epsilon: 0.01, image: sumOf(2) },
      /r\.jsonl:2 .*the checksum of its image is \w{8}, but that of test image 1 is \w{8}/,
    ],
    ["an image twice", row, /line 1 is already the row of image 1 under pgd-linf/],
  ])("are refused with %s", (_, second, message) => {
    expect(() => resumed(row, second)).toThrow(message);
    expect(() => resumed(row, second)).toThrow(UsageError);
  });
});
