import { tensor } from "../math/tensor.ts";
import type { Dataset, Split } from "./dataset.ts";

/** Pillow's weights of red, green and blue in grey (ITU-R BT.601-2), in units of 2⁻¹⁶. */
const WEIGHTS = [19_595, 38_470, 7_471];

/** Grey levels [height, width] of bytes [3, height, width], as Pillow's convert("L") has them. */
export function greyLevels(pixels: Uint8Array): Uint8Array {
  const plane = pixels.length / 3;
  return Uint8Array.from({ length: plane }, (_, i) => {
    const sum = WEIGHTS.reduce((total, weight, c) => total + weight * pixels[c * plane + i], 0);
    return Math.floor((sum + 2 ** 15) / 2 ** 16);
  });
}

/** Converts 8-bit images [n, 3, height, width] to grey [n, 1, height, width], as Pillow's convert("L") does. */
const greySplit = (split: Split): Split => ({
  ...split,
  images(indices) {
    const { shape, data } = split.images(indices);
    const [count, channels, ...sides] = shape;
    const plane = data.length / (count * channels);
    const grey = tensor([count, 1, ...sides]);
    for (let i = 0; i < grey.data.length; i++) {
      const from = Math.floor(i / plane) * channels * plane + (i % plane);
      const sum = WEIGHTS.reduce(
        (total, weight, c) => total + weight * Math.round(255 * data[from + c * plane]),
        0,
      );
      grey.data[i] = Math.floor((sum + 2 ** 15) / 2 ** 16) / 255;
    }
    return grey;
  },
});

/** Converts a data set of colour images to grey, for a network of one channel. Its mean is 0 and its deviation 1. */
export const greyed = (dataset: Dataset): Dataset => ({
  ...dataset,
  shape: [1, ...dataset.shape.slice(1)],
  mean: [0],
  std: [1],
  train: greySplit(dataset.train),
  test: greySplit(dataset.test),
});
