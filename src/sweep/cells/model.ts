import type { Dataset, Split } from "../../data/dataset.ts";
import { isUnsplit, withHeldOutTest } from "../../data/held-out.ts";
import { externalLocations } from "../../engine/onnx/model.ts";
import type { ImageRange } from "../../evaluate/image-range.ts";
import type { Host } from "../../files/host/host.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { ImportedOptions } from "../../models/imported-network.ts";
import { onnxChecksum } from "../../models/opening/onnx-checksum.ts";
import { modelOfExported, type OpenModel } from "../../models/opening/open-model.ts";
import { type OnnxFile, onnxFile, openOnnx } from "../../models/opening/open-onnx.ts";
import type { Cell, CellWork } from "../cell.ts";
import type { CellContext } from "./context.ts";

/** The file with the network in the result of a training. */
export const MODEL_FILE = "model.onnx";

/** The name of a trained model in rows: its defence, and the beginning of its key. */
export const trainedName = ({ key, work }: Cell): string =>
  `${String(work.options.defense)}-${key.slice(0, 8)}`;

/** The file of a trained model, with the arrays that it keeps in files beside it. */
export async function trainedFileOf(
  trained: Cell,
  { input }: Pick<CellContext, "input">,
): Promise<OnnxFile> {
  const bytes = await input(trained.key, MODEL_FILE);
  const external = new Map<string, Uint8Array>();
  for (const location of externalLocations(bytes))
    external.set(location, await input(trained.key, location));
  return onnxFile(`${trainedName(trained)}.onnx`, bytes, external);
}

/** The reading options for the file of a cell's model. A hardened file uses the options of its original file. */
export function readingOf(
  { model }: Pick<CellWork, "model">,
  { cell }: Pick<CellContext, "cell">,
): ImportedOptions {
  if (model === null) return {};
  if ("cell" in model) return readingOf(cell(model.cell).work, { cell });
  return model.reading;
}

/** Opens the model of a cell. Throws `UsageError` if a file has changed since the plan was made. */
export async function modelOfCell({ model }: CellWork, context: CellContext): Promise<OpenModel> {
  if (model === null) throw new UsageError("the cell names no model", { code: "bad-file" });
  const { host, runtime } = context;
  if ("cell" in model) {
    const trained = context.cell(model.cell);
    const name = trainedName(trained);
    const own = { path: name, name, config: trained.work.options };
    if (trained.work.kind === "train")
      return Object.assign(modelOfExported(await context.input(model.cell, MODEL_FILE), name), own);
    const file = await trainedFileOf(trained, context);
    const opened = await openOnnx(file, readingOf(trained.work, context), {
      host,
      runtime: async () => runtime,
    });
    return Object.assign({}, opened, own);
  }
  const file = await context.readOnnx(model.file);
  const sha256 = await onnxChecksum(file, host);
  if (sha256 !== model.sha256)
    throw new UsageError(
      `${model.file} has changed since the plan was made: its SHA-256 was ${model.sha256.slice(0, 16)}…, and is ${sha256.slice(0, 16)}…`,
      { code: "misfit", next: "restore the file, or start the sweep again" },
    );
  const tools = { host, runtime: async () => runtime };
  const opened = await openOnnx(file, model.reading as ImportedOptions, tools);
  // The folder of a file may differ between machines, so rows contain only the file name.
  return { ...opened, path: opened.name };
}

/** The data set with the test images of a model that was trained on `trainedOn`. */
export const testedPart = (dataset: Dataset, trainedOn: string): Dataset =>
  isUnsplit(dataset) && dataset.name === trainedOn ? withHeldOutTest(dataset) : dataset;

/** The images of a range for a checksum: all images if the range refers to a random order. */
export const hashedRange = (
  options: Readonly<Record<string, unknown>>,
  range: ImageRange,
  { test }: Dataset,
): ImageRange => (options.choose === "random" ? { from: 0, to: test.size } : range);

/** The number of images that are hashed at once. */
const CHUNK = 512;

/** SHA-256 of the labels and pixels of a range of images, and of the properties that the data set states for all images. */
export async function checksumOf(
  { shape, classes, mean, std }: Dataset,
  split: Split,
  { from, to }: ImageRange,
  { sha256 }: Pick<Host, "sha256">,
): Promise<string> {
  const encoder = new TextEncoder();
  const sums: string[] = [JSON.stringify({ shape, classes, mean, std, from, to })];
  for (let start = from; start < to; start += CHUNK) {
    const indices = Array.from({ length: Math.min(CHUNK, to - start) }, (_, i) => start + i);
    const { data } = split.images(indices);
    const labels = Int32Array.from(indices, (index) => split.labels[index]);
    sums.push(
      await sha256([
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        new Uint8Array(labels.buffer),
      ]),
    );
  }
  return sha256([encoder.encode(sums.join("\n"))]);
}

/** Throws `UsageError` if the data set on this machine differs from the plan's. */
export function requireData({ data }: CellWork, found: string): void {
  if (data !== null && data.sha256 !== found)
    throw new UsageError(
      `${data.name} on this machine differs from the data set of the plan: its SHA-256 is ${found.slice(0, 16)}…, not ${data.sha256.slice(0, 16)}…`,
      { code: "misfit", next: "copy the data set from the machine where the sweep was started" },
    );
}
