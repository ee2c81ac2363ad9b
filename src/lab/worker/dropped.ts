// Opens a model that was dropped on the page, with what the files beside it state.
import { preprocessingBeside } from "../../audit/sidecar.ts";
import { SidecarFiles } from "../../audit/sidecar-files.ts";
import { namesInConfig, type OutputNames, parseOutputNames } from "../../data/classes.ts";
import type { Preprocessing } from "../../data/preprocessing.ts";
import { readingFlags } from "../../data/reading-flags.ts";
import { importModel, type OpenModel, type Runtime, z } from "../../index.ts";
import { checkedOptions } from "../../math/option-problems.ts";
import { type OnnxFile, onnxFile } from "../../models/opening/open-onnx.ts";
import { isOwnExport } from "../../models/opening/own-export.ts";
import type { DroppedModel, Reading, ReadingField, StatedPreprocessing } from "../protocol.ts";

/** A dropped model that was opened. */
export interface DroppedOpen {
  readonly model: OpenModel;
  readonly names: OutputNames | null;
  /** The options that it was imported with. */
  readonly reading: Readonly<Record<string, unknown>>;
  /** How images are brought to the model's size. */
  readonly sizing: Preprocessing;
  /** How pixels reach the network; null for a network of Rampart. */
  readonly preprocessing: StatedPreprocessing | null;
}

function kindOf(type: unknown, choices: readonly string[]): ReadingField["kind"] {
  if (choices.length > 0) return "choice";
  return type === "array" ? "numbers" : "number";
}

/** The fields of the form, from the schema of the flags. */
export function readingFields(): ReadingField[] {
  const { properties = {} } = z.toJSONSchema(z.object(readingFlags), { io: "input" });
  return Object.entries(properties).map(([name, schema]) => {
    const found = typeof schema === "boolean" ? {} : schema;
    const choices = (found.enum ?? []).map(String);
    return { name, text: found.description ?? "", kind: kindOf(found.type, choices), choices };
  });
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Class names in the files beside a model: classes.txt, names.txt, labels.txt, or those of a config.json. */
function namesBeside(beside: DroppedModel["beside"]): OutputNames | null {
  for (const [path, bytes] of Object.entries(beside)) {
    if (/(classes|names|labels)\.(txt|json)$/i.test(path))
      return parseOutputNames(textOf(bytes), path);
    if (/config\.json$/i.test(path)) {
      const found = namesInConfig(JSON.parse(textOf(bytes)), path);
      if (found !== null) return found;
    }
  }
  return null;
}

/** The ONNX file of a drop. Throws `UsageError` for other bytes. */
export const parsedOnnx = ({ name, bytes, beside }: DroppedModel): OnnxFile =>
  onnxFile(name, bytes, new Map(Object.entries(beside)));

/** The parts of a preprocessing that the importer takes. */
const numbersOf = ({ mean, std, scale, layout, channelOrder }: Preprocessing) => ({
  mean,
  std,
  scale,
  layout,
  channelOrder,
});

const stated = (values: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

const inWords = (values: object): string =>
  Object.entries(stated(values))
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(", ") : String(value)}`)
    .join("; ");

/** [channel, height, width] of the images that a file declares; undefined if it leaves one open. */
function declaredImages({ model }: OnnxFile): readonly number[] | undefined {
  const shape = model.inputs.find((one) => one.shape?.length === 4)?.shape?.slice(1);
  return shape?.every((length) => typeof length === "number") ? (shape as number[]) : undefined;
}

/**
 * Opens a dropped model: with `reading` where the user filled in the form, and otherwise with what the files beside it state.
 * Throws `UsageError`.
 */
export async function openDropped(
  device: Runtime,
  dropped: DroppedModel,
  given: Reading,
): Promise<DroppedOpen> {
  const { name, bytes, beside } = dropped;
  const file = parsedOnnx(dropped);
  const names = namesBeside(beside);
  if (await isOwnExport(file, async () => device)) {
    const model = await importModel(bytes, { device, name });
    return { model, names, reading: {}, sizing: {}, preprocessing: null };
  }
  const { inputShape, ...reading } = checkedOptions(z.strictObject(readingFlags), given);
  const texts = new SidecarFiles(async (path) => {
    const found = beside[path];
    return found === undefined ? null : textOf(found);
  });
  const sidecar = await preprocessingBeside(name, undefined, {
    files: texts,
    network: async () => ({ isOwn: false, input: declaredImages(file), takesWhole: false }),
  });
  const found = sidecar?.preprocessing ?? {};
  const numbers = { ...stated(numbersOf(found)), ...stated(reading) };
  const options = { ...numbers, ...stated({ shape: inputShape }) };
  const model = await importModel(bytes, { device, name, external: beside, ...options });
  const source = sidecar === null ? "" : `from ${sidecar.file} (${sidecar.format}): `;
  const words = inWords(numbers);
  const assumed = "Nothing beside the file states it, so pixels in [0, 1] go in as they are.";
  const isStated = words !== "";
  const preprocessing = { text: isStated ? source + words : assumed, isStated };
  return { model, names, reading: options, sizing: found, preprocessing };
}
