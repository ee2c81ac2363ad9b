import { elementCount, rowSize, type Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Dataset } from "./dataset.ts";
import { channelStatistics, splitOf } from "./splits.ts";

/** Labelled images in memory. */
export interface LabelledImages {
  /** [image, channel, height, width], pixels in [0, 1]. */
  readonly images: Tensor;
  /** Class index of each image. */
  readonly labels: readonly number[];
  /** Class names by class index. */
  readonly classes: readonly string[];
  /** Name in tables; `images` by default. */
  readonly name?: string | undefined;
}

/**
 * A data set of images in memory. Training and test split are the same images. Throws `UsageError` for pixels outside [0, 1] and
 * labels that are not classes.
 *
 * @example
 * ```ts
 * import { imageDataset, tensor } from "rampart";
 *
 * const images = tensor([2, 1, 1, 2], [0, 0.5, 1, 0.25]);
 * const dataset = imageDataset({ images, labels: [0, 1], classes: ["dark", "light"] });
 * console.log(dataset.test.size);
 * ```
 */
export function imageDataset({
  images,
  labels,
  classes,
  name = "images",
}: LabelledImages): Dataset {
  const { shape, data } = images;
  if (shape.length !== 4 || elementCount(shape) === 0)
    throw new UsageError(
      `images have the shape [${shape.join(", ")}], but it must be [image, channel, height, width]`,
      { code: "misfit" },
    );
  if (labels.length !== shape[0])
    throw new UsageError(`there are ${shape[0]} images and ${labels.length} labels`, {
      code: "misfit",
    });
  const wrong = labels.find((label) => !(Number.isInteger(label) && label in classes));
  if (wrong !== undefined)
    throw new UsageError(
      `label ${wrong} is none of the ${classes.length} classes, 0 to ${classes.length - 1}`,
      { code: "misfit" },
    );
  const outside = data.findIndex((pixel) => !(pixel >= 0 && pixel <= 1));
  if (outside >= 0)
    throw new UsageError(
      `image ${Math.floor(outside / rowSize(images))} has a pixel of ${data[outside]}; pixels are in [0, 1], so divide bytes by 255`,
      { code: "misfit" },
    );
  const examples = { pixels: Float32Array.from(data), labels: Int32Array.from(labels) };
  const split = splitOf(examples, shape.slice(1));
  const { mean, std } = channelStatistics(examples, shape.slice(1));
  return { name, shape: shape.slice(1), classes, mean, std, train: split, test: split };
}
