// Resizes the images of an opened data set, or changes their number of channels.
import { elementCount, type Shape, tensor } from "../math/tensor.ts";
import type { Image } from "./data-files.ts";
import type { Dataset, Split } from "./dataset.ts";

/** Image i of a split as bytes. */
function imageAt(split: Split, i: number): Image {
  const { shape, data } = split.images([i]);
  return {
    shape: shape.slice(1),
    pixels: Uint8Array.from(data, (level) => Math.round(255 * level)),
  };
}

function resizedSplit(split: Split, shape: Shape, prepare: (image: Image) => Image): Split {
  const row = elementCount(shape);
  return {
    ...split,
    images(indices) {
      const x = tensor([indices.length, ...shape]);
      for (const [i, index] of indices.entries()) {
        const { pixels } = prepare(imageAt(split, index));
        for (let j = 0; j < row; j++) x.data[i * row + j] = pixels[j] / 255;
      }
      return x;
    },
  };
}

/** Applies `prepare` to every image when it is requested. Pixels are rounded to 8 bits first, as in Pillow. */
export function resizedDataset(dataset: Dataset, prepare: (image: Image) => Image): Dataset {
  const { shape } = prepare(imageAt(dataset.test, 0));
  const train = resizedSplit(dataset.train, shape, prepare);
  const test = dataset.train === dataset.test ? train : resizedSplit(dataset.test, shape, prepare);
  return { ...dataset, shape, train, test };
}

/** Repeats the one channel of images [n, 1, height, width] three times. */
const colouredSplit = (split: Split): Split => ({
  ...split,
  images(indices) {
    const { shape, data } = split.images(indices);
    const [count, , ...sides] = shape;
    const x = tensor([count, 3, ...sides]);
    const plane = elementCount(sides);
    for (let i = 0; i < count; i++)
      for (let channel = 0; channel < 3; channel++)
        x.data.set(data.subarray(i * plane, (i + 1) * plane), (3 * i + channel) * plane);
    return x;
  },
});

/** Repeats the channel of grey images three times, for a network of colour images; Pillow's `convert("RGB")`. */
export function coloured(dataset: Dataset): Dataset {
  const train = colouredSplit(dataset.train);
  const three = (values: readonly number[]) => [values[0], values[0], values[0]];
  return {
    ...dataset,
    shape: [3, ...dataset.shape.slice(1)],
    mean: three(dataset.mean),
    std: three(dataset.std),
    train,
    test: dataset.train === dataset.test ? train : colouredSplit(dataset.test),
  };
}
