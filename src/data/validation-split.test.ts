import { expect, it } from "vitest";
import { keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { withHeldOutTest } from "./held-out.ts";
import { imageDataset } from "./image-dataset.ts";
import { withValidation } from "./validation-split.ts";

const images = tensor(
  [40, 1, 1, 1],
  Array.from({ length: 40 }, (_, i) => i / 40),
);
const labels = Array.from({ length: 40 }, (_, i) => i % 2);
const data = withHeldOutTest(imageDataset({ images, labels, classes: ["a", "b"], name: "toy" }));

const pixels = (split: (typeof data)["train"]) => [
  ...split.images(Array.from({ length: split.size }, (_, i) => i)).data,
];

it("holds out training images only, each once, and the same for the same key", () => {
  const { dataset, validation } = withValidation(data, 8, keyOf(1));
  expect([dataset.train.size, validation.size]).toEqual([24, 8]);
  expect([...pixels(dataset.train), ...pixels(validation)].sort()).toEqual(
    pixels(data.train).sort(),
  );
  expect(pixels(dataset.test)).toEqual(pixels(data.test));
  expect(pixels(withValidation(data, 8, keyOf(1)).validation)).toEqual(pixels(validation));
  expect(pixels(withValidation(data, 8, keyOf(2)).validation)).not.toEqual(pixels(validation));
});

it("refuses to hold out more than half", () => {
  expect(() => withValidation(data, 17, keyOf(1))).toThrow("--validation 17");
});
