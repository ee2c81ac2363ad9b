import { UsageError } from "../math/usage-error.ts";
import type { DataFiles } from "./data-files.ts";
import type { Dataset } from "./dataset.ts";
import { type Found, findFile, findFolder, type Place } from "./find.ts";
import { type ChannelStatistics, concatenated, type Examples, splitOf } from "./splits.ts";

/** [channel, height, width] of every CIFAR image; channels are red, green, blue. */
export const CIFAR_SHAPE = [3, 32, 32] as const;
/** The address of the official archives. */
export const KRIZHEVSKY = "https://www.cs.toronto.edu/~kriz/";
/** Bytes of one image. */
const PIXELS = 3072;

/** Binary layout of CIFAR-10 or CIFAR-100 (Krizhevsky 2009): each row holds label bytes, then 3072 pixel bytes. */
export interface CifarFormat extends Omit<Place, "files">, ChannelStatistics {
  readonly classes: readonly string[];
  /** Offset of the label within a row. */
  readonly label: number;
  /** Number of bytes before the pixels. */
  readonly header: number;
  /** Files with their numbers of rows. */
  readonly train: readonly (readonly [string, number])[];
  readonly test: readonly (readonly [string, number])[];
}

/** Parses a file of exactly `rows` rows. Throws a UsageError for another length or a label that is not a class. */
export function parseCifar(
  { path, bytes }: Found,
  { label, header, classes }: Pick<CifarFormat, "label" | "header" | "classes">,
  rows: number,
): Examples & { readonly pixels: Uint8Array } {
  const row = header + PIXELS;
  if (bytes.length !== rows * row)
    throw new UsageError(
      `${path} has ${bytes.length} bytes instead of ${rows * row} (${rows} rows of ${row}), so it is ${bytes.length < rows * row ? "truncated" : "another file"}`,
      { code: "bad-file", next: "delete it and fetch it again" },
    );
  const pixels = new Uint8Array(rows * PIXELS);
  const labels = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) {
    labels[i] = bytes[i * row + label];
    if (labels[i] >= classes.length)
      throw new UsageError(
        `${path}, row ${i}: label ${labels[i]} is not in 0 … ${classes.length - 1}, so the file is damaged or of another data set`,
        { code: "bad-file" },
      );
    pixels.set(bytes.subarray(i * row + header, (i + 1) * row), i * PIXELS);
  }
  return { pixels, labels };
}

/** Folders and files of the data set. */
export const cifarPlace = ({ name, folders, train, test }: CifarFormat): Place => ({
  name,
  folders,
  files: [...train, ...test].map(([file]) => [file]),
});

/** Opens CIFAR-10 or CIFAR-100 from its official binary files. */
export async function openCifar(format: CifarFormat, from: DataFiles): Promise<Dataset> {
  const place = cifarPlace(format);
  const folder = await findFolder(place, from);
  const open = async (parts: CifarFormat["train"]) => {
    const examples = [];
    for (const [file, rows] of parts)
      examples.push(parseCifar(await findFile(place, folder, [file], from), format, rows));
    return splitOf(concatenated(examples), CIFAR_SHAPE);
  };
  const { name, classes, mean, std } = format;
  const [train, test] = [await open(format.train), await open(format.test)];
  return { name, shape: CIFAR_SHAPE, classes, mean, std, train, test };
}
