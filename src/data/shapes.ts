/*
 * `shapes`: ten classes of 32×32 colour images. They are computed rather than stored, so that a first run needs no download.
 *
 * The data set demonstrates non-robust features (Ilyas et al. 2019, arXiv:1905.02175; Tsipras et al. 2019, arXiv:1805.12152).
 * Each image has two cues for its class. A large form in a strong colour survives any perturbation within the paper's radii,
 * but belongs to a random class in 8 % of the images, so accuracy from the form alone is at most 93 %. A faint texture of 6
 * grey levels is always right, but fits into the balls ℓ∞ ≤ 0.031 and ℓ2 ≤ 0.83, so an attack can replace it. An undefended
 * network that learns both is better on clean images and falls to 0 under attack; a defended network relies on the form. The
 * size of the gap says nothing about photographs. Train without random crops and flips: they change the phase of the texture
 * and so hide it.
 *
 * Settings were tuned on a third stream of images (`validation`), never on the test split.
 */
import { fold, type Key, keyOf, nameToNumber } from "../math/random.ts";
import type { Dataset } from "./dataset.ts";
import { defineDataset } from "./define-dataset.ts";
import { SIDE } from "./shapes-canvas.ts";
import { drawShape, shapeClasses } from "./shapes-image.ts";
import { channelStatistics, type Examples, splitOf } from "./splits.ts";

const SHAPE = [3, SIDE, SIDE] as const;

/** Size and random stream of each split. `validation` is for tuning and is not part of the data set. */
export const shapeSplits = {
  train: { size: 4000, stream: 0 },
  test: { size: 1000, stream: 1 },
  validation: { size: 1000, stream: 2 },
} as const;

/** Draws the images of a split, or the first `count`; the label of image i is i mod 10. */
export function drawShapes(split: keyof typeof shapeSplits, count?: number): Examples {
  const { size, stream } = shapeSplits[split];
  const key: Key = fold(fold(keyOf(0), nameToNumber("shapes")), stream);
  const labels = Uint8Array.from({ length: count ?? size }, (_, i) => i % shapeClasses.length);
  const row = 3 * SIDE * SIDE;
  const pixels = new Uint8Array(labels.length * row);
  labels.forEach((label, i) => {
    drawShape(fold(key, i), label, pixels.subarray(i * row, (i + 1) * row));
  });
  return { pixels, labels };
}

let cached: Dataset | undefined;

/** Opens `shapes`: always the same 5000 images, drawn once per process. */
export function openShapes(): Dataset {
  if (cached !== undefined) return cached;
  const train = drawShapes("train");
  cached = {
    name: "shapes",
    shape: SHAPE,
    classes: shapeClasses,
    ...channelStatistics(train, SHAPE),
    train: splitOf(train, SHAPE),
    test: splitOf(drawShapes("test"), SHAPE),
  };
  return cached;
}

/** Ten classes of shapes, drawn with fixed keys. */
export const shapes = defineDataset({
  name: "shapes",
  text: "ten classes of 32 × 32 colour images that Rampart draws",
  source: "Rampart",
  // Their textures have fixed positions.
  augment: "none",
  open: () => openShapes(),
});
