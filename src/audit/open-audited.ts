// Opens the inputs of an audit: the network with its preprocessing, and the test images with labels that fit its outputs.
import { namesInConfig, type OutputNames, outputsOfFolders } from "../data/classes.ts";
import type { Dataset } from "../data/dataset.ts";
import { forOutputs } from "../data/for-outputs.ts";
import { statedImageOptions } from "../data/image-options.ts";
import { outputNamesIn } from "../data/output-names.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Sizing } from "../data/sizing.ts";
import { findDataset } from "../data/table.ts";
import { chooseTestData, noTestImages } from "../evaluate/tested-data.ts";
import { defined } from "../math/defined.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "../models/architecture.ts";
import type { ImportedOptions } from "../models/imported-network.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import { type AuditDataOptions, auditData, type SizedData, withChannels } from "./audit-data.ts";
import type { AuditRequest, AuditSource } from "./audit-request.ts";
import { AuditedFiles } from "./audited-files.ts";
import type { AuditOptions } from "./options.ts";
import { forNetwork, overridden, pixelsOf, preparationLine } from "./preparation.ts";
import { folderOf, preprocessingBeside, type Sidecar } from "./sidecar.ts";
import type { SidecarFiles } from "./sidecar-files.ts";

/** A network and the images that it is attacked on. */
export interface AuditedModel {
  readonly model: OpenModel;
  /** The checksum of the .onnx file and of its external data (`onnxChecksum`); null for a run directory or a checkpoint. */
  readonly sha256: string | null;
  /** The files that hold its external data. */
  readonly externalData: readonly string[];
  /** Images in the network's shape; labels are its outputs. */
  readonly dataset: Dataset;
  /** A warning that the model may have been trained on test images; null if it was not, or if its training is unknown. */
  readonly trainedOnWarning: string | null;
  /** How images reach the network, in one line. */
  readonly preprocessing: string;
  /** Opens the model again with other options of the importer. */
  reopen(changed: ImportedOptions): Promise<OpenModel>;
}

/** The preprocessing that flags and a sidecar state together. */
interface StatedPreprocessing {
  readonly stated: Preprocessing;
  readonly sidecar: Sidecar | null;
  /** A sentence on the parts of the sidecar that do not apply to this network; null if all parts apply. */
  readonly dropped: string | null;
}

async function statedPreprocessing(
  audit: AuditRequest,
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

/** Throws `UsageError` if flags describe the input of a model that rampart wrote, since its file already does. */
function refuseUnused(path: string, audit: AuditRequest, model: OpenModel): void {
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
      `${path} was written by rampart and already states its input, so --${unused} does not apply; leave it out`,
      { code: "misfit" },
    );
}

/** The shape of the images as the network receives them: grey images get three channels if the file states three. */
async function inputShapeOf({ shape }: Dataset, files: AuditedFiles): Promise<Shape> {
  if (shape[0] !== 1) return shape;
  const network = await files.network();
  return network?.input?.[0] === 3 ? [3, ...shape.slice(1)] : shape;
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
function readingOf(model: OpenModel, { rules, classes }: AuditRequest, sizing: Sizing) {
  if (model.reading === undefined) return undefined;
  const imageRules = rules === undefined ? {} : statedImageOptions(rules);
  return { ...model.reading, ...sizing, ...imageRules, ...defined({ classes }) };
}

/** The network of an audit, and the settings for reading its images. */
interface OpenedNetwork {
  readonly model: OpenModel;
  /** The images, if the user named a data set; null if the model's data set is used. */
  readonly given: SizedData | null;
  readonly dataOptions: AuditDataOptions;
  reopen(changed: ImportedOptions): Promise<OpenModel>;
}

/** Opens the network for the images of --data, whose size a file may leave open. */
async function openNetwork(
  audit: AuditRequest,
  preprocessing: Preprocessing,
  files: AuditedFiles,
  examples: number,
): Promise<OpenedNetwork> {
  const { source, data, rules } = audit;
  const { output, input, constants, shape, blockSize, maxConstants, straightThrough } = audit;
  const flags = { output, input, constants, shape, blockSize, maxConstants, straightThrough };
  const file = await files.network();
  const needsAll = file === null || file.isOwn || file.recordsHeldOut === true;
  const dataOptions: AuditDataOptions = {
    preprocessing,
    isSizeGiven: audit.resize !== undefined || audit.crop !== undefined,
    // A model trained by Rampart needs all examples, because their number decides which of them were held out.
    maxImages: needsAll ? undefined : examples,
    rules,
    takes: file?.input,
  };
  const given = data === undefined ? null : await auditData(data, dataOptions, source);
  const images = given === null ? undefined : await inputShapeOf(given.dataset, files);
  const options = { ...defined({ ...pixelsOf(preprocessing), ...flags }), images };
  const model = await files.open(options);
  return {
    model,
    given,
    dataOptions,
    reopen: (changed) => files.open({ ...options, ...changed }),
  };
}

/** The images of --data, or else of the model's data set. Throws `UsageError` if neither is known. */
async function imagesOf(
  { model, given, dataOptions }: OpenedNetwork,
  { path, source }: { readonly path: string; readonly source: AuditSource },
): Promise<SizedData> {
  if (given !== null) return given;
  if (model.data === "") throw noTestImages(path);
  return auditData(model.data, dataOptions, source);
}

/** The data set with the network's number of channels, and labels that are indices of its outputs. */
async function labelledFor(
  { inputShape, classes: outputs }: Architecture,
  dataset: Dataset,
  audit: AuditRequest,
  files: AuditedFiles,
): Promise<Dataset> {
  const images = withChannels(dataset, inputShape[0]);
  const names =
    audit.classes === undefined
      ? await namesBeside(files.path, images, outputs, files.sidecars)
      : outputNamesIn(audit.classes, await files.sidecars.text(audit.classes));
  return forOutputs(images, outputs, names);
}

/** Opens the network and its test images. Throws `UsageError` if they do not fit each other or the flags. */
export async function openAudited(
  audit: AuditRequest,
  { examples }: AuditOptions,
): Promise<AuditedModel> {
  const { source, note = () => undefined } = audit;
  const files = new AuditedFiles(audit);
  const { stated, sidecar, dropped } = await statedPreprocessing(audit, files);
  const opened = await openNetwork(audit, stated, files, examples);
  const { model, reopen } = opened;
  refuseUnused(source.path, audit, model);
  const { dataset: whole, sizing } = await imagesOf(opened, { path: source.path, source });
  const isTrainingData = await source.isSameData(model.data, whole.name);
  const { dataset: test, warning } = chooseTestData(model, { dataset: whole, isTrainingData });
  const dataset = await labelledFor(model.architecture, test, audit, files);
  const isOwn = model.reading === undefined;
  const pixels = isOwn ? { mean: model.input.mean, std: model.input.std } : pixelsOf(stated);
  const preprocessing = preparationLine(overridden(sizing, pixels), isOwn ? null : sidecar, {
    isFound: audit.preprocessing === undefined,
  });
  note({ code: "preprocessing", text: `images: ${preprocessing}` });
  if (dropped !== null) note({ code: "preprocessing-dropped", text: dropped });
  for (const one of test.notes ?? []) note(one);
  return {
    model: {
      ...model,
      // A third-party file has no class names. Its outputs take the data set's names, in the matched order.
      classNames: model.classNames.length === 0 ? dataset.classes : model.classNames,
      reading: readingOf(model, audit, sizing),
    },
    sha256: await files.sha256(),
    externalData: await files.externalData(),
    dataset,
    trainedOnWarning: warning,
    preprocessing,
    reopen,
  };
}
