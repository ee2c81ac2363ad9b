import { UsageError } from "../math/usage-error.ts";
import type { DataFiles } from "./data-files.ts";
import type { Dataset, Split } from "./dataset.ts";
import type { Download } from "./download-source.ts";
import { type Found, findFile, findFolder, type Place } from "./find.ts";
import { gunzipped } from "./gunzip.ts";
import { parseIdx } from "./idx.ts";
import { type ChannelStatistics, splitOf } from "./splits.ts";

/** [channel, height, width] of every image of MNIST and Fashion-MNIST. */
export const MNIST_SHAPE = [1, 28, 28] as const;

/** A data set stored in four files like MNIST. */
export interface MnistFormat extends Omit<Place, "files">, ChannelStatistics {
  readonly classes: readonly string[];
}

/** Possible names of a file: the official one or that of some unpackers, each gzipped or not. */
const namesOf = (stem: string, axes: number): string[] =>
  [`${stem}-idx${axes}-ubyte`, `${stem}.idx${axes}-ubyte`].flatMap((name) => [`${name}.gz`, name]);

/** The four files, each by its possible names. */
const mnistFiles: Readonly<
  Record<
    "train" | "t10k",
    { readonly images: readonly string[]; readonly labels: readonly string[] }
  >
> = {
  train: { images: namesOf("train-images", 3), labels: namesOf("train-labels", 1) },
  t10k: { images: namesOf("t10k-images", 3), labels: namesOf("t10k-labels", 1) },
};

/** Folders and files of the data set. */
export const mnistPlace = ({ name, folders }: MnistFormat): Place => ({
  name,
  folders,
  files: Object.values(mnistFiles).flatMap(({ images, labels }) => [images, labels]),
});

/** The downloads of the four files, given their MD5 sums. */
export const mnistDownloads = (
  trainImages: string,
  trainLabels: string,
  testImages: string,
  testLabels: string,
): Download[] => [
  { file: "train-images-idx3-ubyte.gz", md5: trainImages },
  { file: "train-labels-idx1-ubyte.gz", md5: trainLabels },
  { file: "t10k-images-idx3-ubyte.gz", md5: testImages },
  { file: "t10k-labels-idx1-ubyte.gz", md5: testLabels },
];

/** Parses the images and labels of one split. Throws a UsageError if they do not fit each other or the classes. */
export function parseMnist(images: Found, labels: Found, classes: readonly string[]): Split {
  const { shape, data } = parseIdx(images, 3);
  const { data: classIndices } = parseIdx(labels, 1);
  const [count, height, width] = shape;
  if (height !== MNIST_SHAPE[1] || width !== MNIST_SHAPE[2])
    throw new UsageError(
      `${images.path} holds images of ${height}×${width} pixels instead of 28×28; for another data set use npz:PATH or folder:PATH`,
      { code: "bad-file" },
    );
  if (count !== classIndices.length)
    throw new UsageError(
      `${images.path} holds ${count} images, but ${labels.path} ${classIndices.length} labels; they belong to different splits`,
      { code: "misfit" },
    );
  const wrong = classIndices.findIndex((label) => label >= classes.length);
  if (wrong >= 0)
    throw new UsageError(
      `${labels.path}, row ${wrong}: label ${classIndices[wrong]} is not in 0 … ${classes.length - 1}, so the file is damaged or of another data set`,
      { code: "bad-file" },
    );
  return splitOf({ pixels: data, labels: classIndices }, MNIST_SHAPE);
}

/** Opens MNIST or Fashion-MNIST from its official files, gzipped or not. */
export async function openMnist(format: MnistFormat, from: DataFiles): Promise<Dataset> {
  const { train, t10k } = mnistFiles;
  const place = mnistPlace(format);
  const folder = await findFolder(place, from);
  const file = async (names: readonly string[]): Promise<Found> => {
    const { path, bytes } = await findFile(place, folder, names, from);
    return { path, bytes: await gunzipped(path, bytes) };
  };
  const { name, classes, mean, std } = format;
  return {
    name,
    shape: MNIST_SHAPE,
    classes,
    mean,
    std,
    train: parseMnist(await file(train.images), await file(train.labels), classes),
    test: parseMnist(await file(t10k.images), await file(t10k.labels), classes),
  };
}
