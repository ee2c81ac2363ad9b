// Opens what an audit needs: the network with its preprocessing, and the test images with labels that fit its outputs.
import {
  namesInConfig,
  type OutputNames,
  outputsOfFolders,
  parseOutputNames,
} from "../data/classes.ts";
import type { Dataset } from "../data/dataset.ts";
import { forOutputs } from "../data/for-outputs.ts";
import { statedImageOptions } from "../data/image-options.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Sizing } from "../data/sizing.ts";
import { findDataset } from "../data/table.ts";
import { chooseTestData } from "../evaluate/tested-data.ts";
import { defined } from "../math/defined.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { ImportedOptions } from "../models/imported-network.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import { type AuditDataOptions, auditData, withChannels } from "./audit-data.ts";
import type { Audit } from "./audit-request.ts";
import { AuditedFiles } from "./audited-files.ts";
import type { AuditOptions } from "./options.ts";
import { forNetwork, overridden, pixelsOf, preparationLine } from "./preparation.ts";
import { folderOf, preprocessingBeside, type Sidecar } from "./sidecar.ts";
import type { SidecarFiles } from "./sidecar-files.ts";

/** A network and the images that it is attacked on. */
export interface AuditedModel {
  readonly model: OpenModel;
  /** Images in the network's shape; labels are its outputs. */
  readonly dataset: Dataset;
  /** Why the model may have been trained on test images; null where it was not, or its training is unknown. */
  readonly trainedOn: string | null;
  /** How images reach the network, in one line. */
  readonly preprocessing: string;
  /** Opens the model again with other options of the importer. */
  reopen(changed: ImportedOptions): Promise<OpenModel>;
}

/** The preprocessing that flags and a sidecar state together. */
interface StatedPreprocessing {
  readonly stated: Preprocessing;
  readonly sidecar: Sidecar | null;
  /** What of the sidecar does not apply, as a sentence; null if all of it does. */
  readonly dropped: string | null;
}

async function statedPreprocessing(
  audit: Audit,
  files: AuditedFiles,
): Promise<StatedPreprocessing> {
  const network = () => files.network();
  const source = { files: files.sidecars, network };
  const sidecar = await preprocessingBeside(files.path, audit.preprocessing, source);
  const { mean, std, scale, layout, channelOrder, resize, crop, interpolation } = audit;
  const flags = { mean, std, scale, layout, channelOrder, resize, crop, interpolation };
  if (sidecar === null) return { stated: defined(flags), sidecar, dropped: null };
  const { stated, dropped } = forNetwork(sidecar, await network());
  return { stated: overridden(stated, flags), sidecar, dropped };
}

/** Throws `UsageError` if flags say how to read a model that states it itself. */
function refuseUnused(path: string, audit: Audit, model: OpenModel): void {
  if (model.reading !== undefined) return;
  const { mean, std, scale, layout, output, constants } = audit;
  const flags = {
    mean,
    std,
    scale,
    layout,
    "channel-order": audit.channelOrder,
    output,
    constants,
    "image-input": audit.input,
    "input-shape": audit.shape,
    "block-size": audit.blockSize,
    "max-constants": audit.maxConstants,
  };
  const [unused] = Object.keys(defined(flags));
  if (unused !== undefined)
    throw new UsageError(
      `${path} was written by rampart and says itself how it is read; leave out --${unused}`,
      { code: "misfit" },
    );
}

/** The shape in which the network will meet the images: grey ones in three channels where the file states three. */
async function takenShape({ shape }: Dataset, files: AuditedFiles): Promise<Shape> {
  if (shape[0] !== 1) return shape;
  const network = await files.network();
  return network?.input?.[0] === 3 ? [3, ...shape.slice(1)] : shape;
}

async function namesInFile(path: string, files: SidecarFiles): Promise<OutputNames> {
  const text = await files.text(path);
  if (text === null)
    throw new UsageError(`there is no file ${path}; --classes names one`, { code: "not-found" });
  return parseOutputNames(text, path);
}

/** The class names in a config.json beside the network, if they cover every folder of the data set. */
async function namesBeside(
  path: string,
  { name, classes }: Dataset,
  outputs: number,
  files: SidecarFiles,
): Promise<OutputNames | undefined> {
  if (findDataset(name)?.labels !== "names") return undefined;
  const config = `${folderOf(path)}config.json`;
  const names = namesInConfig(await files.objectOrNull(config), config);
  if (names === null) return undefined;
  try {
    outputsOfFolders(classes, outputs, names);
    return names;
  } catch (error) {
    if (error instanceof UsageError && classes.length === outputs) return undefined;
    throw error;
  }
}

/** The record of how a third-party file and its images were read. */
function readingOf(model: OpenModel, { rules, classes }: Audit, sizing: Sizing) {
  if (model.reading === undefined) return undefined;
  const imageRules = rules === undefined ? {} : statedImageOptions(rules);
  return { ...model.reading, ...sizing, ...imageRules, ...defined({ classes }) };
}

/** Opens the network and its test images. Throws `UsageError` where they do not fit each other or the flags. */
export async function openAudited(audit: Audit, { examples }: AuditOptions): Promise<AuditedModel> {
  const { source, data, input, note = () => undefined } = audit;
  const { path } = source;
  const files = new AuditedFiles(audit);
  const { stated, sidecar, dropped } = await statedPreprocessing(audit, files);
  const { output, constants, shape, blockSize, maxConstants, straightThrough } = audit;
  const flags = { output, input, constants, shape, blockSize, maxConstants, straightThrough };
  const reading = defined({ ...pixelsOf(stated), ...flags });
  const file = await files.network();
  const dataOptions: AuditDataOptions = {
    preprocessing: stated,
    isSizeGiven: audit.resize !== undefined || audit.crop !== undefined,
    // A model trained here needs all examples: which of them were held out depends on their number.
    maxImages: file === null || file.isOwn ? undefined : examples,
    rules: audit.rules,
    takes: file?.input,
  };
  const given = data === undefined ? null : await auditData(data, dataOptions, source);
  const images = given === null ? undefined : await takenShape(given.dataset, files);
  const model = await files.open({ ...reading, images });
  refuseUnused(path, audit, model);
  if (given === null && model.data === "")
    throw new UsageError(
      `${path} does not say what it was trained on; choose the test images by --data`,
      { code: "missing-option" },
    );
  const { dataset: whole, sizing } = given ?? (await auditData(model.data, dataOptions, source));
  const isTrainingData = await source.isSameData(model.data, whole.name);
  const tested = chooseTestData(model, { dataset: whole, isTrainingData });
  const { inputShape, classes: outputs } = model.architecture;
  const dataset = withChannels(tested.dataset, inputShape[0]);
  const names =
    audit.classes === undefined
      ? await namesBeside(path, dataset, outputs, files.sidecars)
      : await namesInFile(audit.classes, files.sidecars);
  const labelled = forOutputs(dataset, outputs, names);
  const isOwn = model.reading === undefined;
  const pixels = isOwn ? { mean: model.input.mean, std: model.input.std } : pixelsOf(stated);
  const preprocessing = preparationLine(overridden(sizing, pixels), isOwn ? null : sidecar, {
    isFound: audit.preprocessing === undefined,
  });
  note({ code: "preprocessing", text: `images: ${preprocessing}` });
  if (dropped !== null) note({ code: "preprocessing-dropped", text: dropped });
  for (const one of tested.dataset.notes ?? []) note(one);
  return {
    model: {
      ...model,
      // A third-party file has no class names of its own; its outputs take those of the data set, as matched.
      classNames: model.classNames.length === 0 ? labelled.classes : model.classNames,
      reading: readingOf(model, audit, sizing),
    },
    dataset: labelled,
    trainedOn: tested.warning,
    preprocessing,
    reopen: (changed) => files.open({ ...reading, images, ...changed }),
  };
}
