// Checks of a data set that a plug-in or a caller defined. Built-in data sets check their files themselves.
import { badPlugin, callPlugin, type PluginDefinition, requireResult } from "../math/plugin.ts";
import { elementCount, type Shape } from "../math/tensor.ts";
import type { Dataset, Split } from "./dataset.ts";
import type { DatasetContents } from "./dataset-contents.ts";
import { channelStatistics, type Examples, splitOf } from "./splits.ts";

const isExamples = (part: Split | Examples): part is Examples => "pixels" in part;

const asSplit = (part: Split | Examples, shape: Shape): Split =>
  isExamples(part) ? splitOf(part, shape) : part;

const isIndex = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

/** Throws `bad-plugin` unless pixels and labels of a split in arrays fit each other. */
function requireArrays(
  self: PluginDefinition,
  part: string,
  { pixels, labels }: Examples,
  shape: Shape,
) {
  const isPixels = pixels instanceof Uint8Array || pixels instanceof Float32Array;
  if (!isPixels || !(labels instanceof Uint8Array || labels instanceof Int32Array))
    throw badPlugin(
      self,
      `returned ${part} without pixels (Uint8Array or Float32Array) and labels (Uint8Array or Int32Array)`,
    );
  if (pixels.length !== labels.length * elementCount(shape))
    throw badPlugin(
      self,
      `returned ${pixels.length} pixels in ${part}, and ${labels.length} labels of images [${shape.join(", ")}] need ${labels.length * elementCount(shape)}`,
    );
  const wrong =
    pixels instanceof Float32Array ? pixels.findIndex((pixel) => !(pixel >= 0 && pixel <= 1)) : -1;
  if (wrong >= 0)
    throw badPlugin(
      self,
      `returned pixel ${pixels[wrong]} in ${part}, and must return floats in [0, 1]`,
    );
}

/** Throws `bad-plugin` unless a split has a size, and as many labels, each of them a class. */
function requireSplit(self: PluginDefinition, part: string, split: Split, classes: number): void {
  const { size, labels, images } = split;
  if (!isIndex(size) || typeof images !== "function" || labels?.length !== size)
    throw badPlugin(self, `returned ${part} without size, as many labels, and images(indices)`);
  const wrong = Array.from(labels).find((label) => !isIndex(label) || label >= classes);
  if (wrong !== undefined)
    throw badPlugin(
      self,
      `returned label ${wrong} in ${part}, and its ${classes} classes have labels 0 to ${classes - 1}`,
    );
}

/** The split, whose images are checked when they are read. */
const checkedSplit = (self: PluginDefinition, split: Split, shape: Shape): Split => ({
  ...split,
  images(indices) {
    const read = () => split.images(indices);
    const wanted = [indices.length, ...shape];
    const images = requireResult(self, "images", callPlugin(self, "images", read), wanted);
    const wrong = images.data.find((pixel) => pixel < 0 || pixel > 1);
    if (wrong === undefined) return images;
    throw badPlugin(self, `returned pixel ${wrong} from images, and must return pixels in [0, 1]`);
  },
});

const isStatistic = (values: unknown, channels: number): boolean =>
  Array.isArray(values) && values.length === channels && values.every(Number.isFinite);

const isNote = (note: unknown): boolean => {
  const { code, text } = (note ?? {}) as { readonly code?: unknown; readonly text?: unknown };
  return typeof code === "string" && typeof text === "string";
};

/** Throws `bad-plugin` unless contents have a shape, class names, two parts, and statistics of all channels or none. */
function requireContents(
  self: PluginDefinition,
  contents: unknown,
): asserts contents is DatasetContents {
  const { shape, classes, train, test, mean, std, notes } = (contents ??
    {}) as Partial<DatasetContents>;
  const isShape = Array.isArray(shape) && shape.length === 3 && shape.every((n) => isIndex(n) && n);
  if (!isShape)
    throw badPlugin(
      self,
      `returned shape ${JSON.stringify(shape) ?? "missing"} from open, and must return [channel, height, width]`,
    );
  if (
    !Array.isArray(classes) ||
    classes.length === 0 ||
    !classes.every((c) => typeof c === "string")
  )
    throw badPlugin(self, "returned no classes from open: a list of names");
  for (const [part, value] of Object.entries({ train, test }))
    if (typeof value !== "object" || value === null)
      throw badPlugin(self, `returned no ${part} from open`);
  for (const [field, values] of Object.entries({ mean, std }))
    if (values !== undefined && !isStatistic(values, shape[0]))
      throw badPlugin(self, `returned ${field} without one number per channel`);
  const wrong = std?.find((value) => value <= 0);
  if (wrong !== undefined)
    throw badPlugin(self, `returned std ${wrong}, and must return one above 0`);
  if (notes !== undefined && !(Array.isArray(notes) && notes.every(isNote)))
    throw badPlugin(self, "returned notes that are not a list of { code, text }");
}

/** The statistics that contents state, or those of the training images. */
function statisticsOf({ mean, std, train, shape }: DatasetContents, self: PluginDefinition) {
  if (mean !== undefined && std !== undefined) return { mean, std };
  if (isExamples(train)) return channelStatistics(train, shape);
  throw badPlugin(self, "returned no mean and std from open; give them, or train as arrays");
}

/** A data set of contents, named as on the command line. Throws `UsageError` with the code `bad-plugin` for wrong ones. */
export function checkedDataset(
  self: PluginDefinition,
  name: string,
  contents: DatasetContents,
): Dataset {
  requireContents(self, contents);
  const { shape, classes, train, test } = contents;
  const split = (part: string, given: Split | Examples): Split => {
    if (isExamples(given)) requireArrays(self, part, given, shape);
    const made = asSplit(given, shape);
    requireSplit(self, part, made, classes.length);
    if (made.size === 0) throw badPlugin(self, `returned no examples in ${part}`);
    return checkedSplit(self, made, shape);
  };
  const trained = split("train", train);
  return {
    name,
    shape,
    classes,
    ...statisticsOf(contents, self),
    train: trained,
    test: test === train ? trained : split("test", test),
    notes: contents.notes ?? [],
  };
}
