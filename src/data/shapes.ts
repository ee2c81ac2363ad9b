/*
 * `shapes`: ten classes of 32×32 colour images, computed rather than stored, so that a first run needs no network.
 *
 * It is built to make one thing visible (Ilyas et al. 2019, arXiv:1905.02175; Tsipras et al. 2019, arXiv:1805.12152):
 * each image has two cues for its class. A large form in a strong colour survives any perturbation of the paper's
 * sizes, but shows a random class in 8 % of the images, so that it alone gives an accuracy of at most 93 %. A faint
 * texture of 6 grey levels never lies, but fits into the balls ℓ∞ ≤ 0.031 and ℓ2 ≤ 0.83, so an attack can replace it.
 * An undefended network that learns both does better on clean images, and falls to 0 under attack; a defended one
 * keeps to the form. How large the gap is says nothing about photographs. Random crops and flips hide the texture (they
 * change its phase), so this data set is meant to be trained on without them.
 *
 * Choices were tuned on a third stream of images, never on the test split.
 */
import { fold, type Key, keyOf, nameToNumber } from "../math/random.ts";
import type { Dataset } from "./dataset.ts";
import { SIDE } from "./shapes-canvas.ts";
import { drawShape, shapeClasses } from "./shapes-image.ts";
import { channelStatistics, type Examples, splitOf } from "./splits.ts";

const SHAPE = [3, SIDE, SIDE] as const;

/** How many images each split has, and its stream. `validation` is for choosing settings; it is not in the data set. */
export const shapeSplits = {
  train: { size: 4000, stream: 0 },
  test: { size: 1000, stream: 1 },
  validation: { size: 1000, stream: 2 },
} as const;

/** All images of a split; the label of image i is i mod 10. */
export function drawShapes(split: keyof typeof shapeSplits): Examples {
  const { size, stream } = shapeSplits[split];
  const key: Key = fold(fold(keyOf(0), nameToNumber("shapes")), stream);
  const labels = Uint8Array.from({ length: size }, (_, i) => i % shapeClasses.length);
  const pixels = new Uint8Array(size * 3 * SIDE * SIDE);
  const row = pixels.length / size;
  labels.forEach((label, i) => {
    drawShape(fold(key, i), label, pixels.subarray(i * row, (i + 1) * row));
  });
  return { pixels, labels };
}

let kept: Dataset | undefined;

/** The procedural data set; the same 5000 images every time, drawn once per process. */
export function openShapes(): Dataset {
  if (kept !== undefined) return kept;
  const train = drawShapes("train");
  kept = {
    name: "shapes",
    shape: SHAPE,
    classes: shapeClasses,
    ...channelStatistics(train, SHAPE),
    train: splitOf(train, SHAPE),
    test: splitOf(drawShapes("test"), SHAPE),
  };
  return kept;
}
