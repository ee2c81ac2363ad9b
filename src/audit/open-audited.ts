// What an audit reads before it begins: the network, its preprocessing, and the test images.

import {
  namesInConfig,
  type OutputNames,
  outputsOfFolders,
  parseOutputNames,
} from "../data/classes.ts";
import type { Dataset } from "../data/dataset.ts";
import type { FolderOptions } from "../data/folder.ts";
import { forOutputs } from "../data/for-outputs.ts";
import { greyed } from "../data/grey.ts";
import { statedImageOptions } from "../data/image-options.ts";
import type { ImageRules } from "../data/image-rules.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import { coloured, resizedDataset } from "../data/resized.ts";
import { type Sizing, sizer } from "../data/sizing.ts";
import { testedData } from "../evaluate/tested-data.ts";
import type { Note, OnNote } from "../math/note.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { classifier } from "../models/classifier.ts";
import type { ImportedOptions } from "../models/imported-network.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import type { AuditOptions } from "./options.ts";
import {
  finalSize,
  forNetwork,
  overridden,
  pixelsOf,
  preparationLine,
  sizingOf,
} from "./preparation.ts";
import { type NetworkFile, preprocessingBeside, type Sidecar } from "./sidecar.ts";
import { without } from "./without.ts";

/** What a file does not say of itself. */
export interface AuditedFile
  extends Omit<ImportedOptions, "raw" | keyof Preprocessing>,
    Preprocessing {
  /** JSON that says how images are prepared; by default one that lies beside the file, `none` for no such file. */
  readonly preprocessing?: string | undefined;
  /** File of the outputs' names; by default the config.json beside the file, where that names the folders. */
  readonly classes?: string | undefined;
  /** What becomes of transparency, orientation and 16-bit grey in image files. */
  readonly rules?: ImageRules | undefined;
}

/** The file, the images, what runs them, and where results go. */
export interface NodeAudit extends AuditedFile {
  readonly runtime: Parameters<typeof classifier>[0];
  /** Data set; by default the one that the file names. */
  readonly data?: string | undefined;
  readonly dataDir?: string | undefined;
  /** Folder of rows, summary.json, report.html and images; without it nothing is written. */
  readonly out?: string;
  readonly resume?: boolean;
  readonly saveExamples?: number;
  /** Test images that are written as the network sees them, into `inputs` of `out`; none by default. */
  readonly saveInputs?: number;
  readonly signal?: AbortSignal;
  /** The command as typed, for the record. */
  readonly command?: string;
  /** Told what a reader of the result should know, such as where preprocessing was read. */
  readonly note?: OnNote;
}

/** How an audit reads files; `node.ts` reads the disk. */
export interface AuditFiles {
  /** Text of a file; null if there is no such file. */
  readText(path: string): Promise<string | null>;
  /** Whether two names of data sets are of the same files. */
  isSameData(a: string, b: string): Promise<boolean>;
  openData(name: string, options: FolderOptions): Promise<Dataset>;
  openModel(path: string, options: OpenModelOptions): Promise<OpenModel>;
  /** What an ONNX file says of the input of that name, or of its only one; null where the model is no such file. */
  network(path: string, input: string | undefined): Promise<NetworkFile | null>;
}

/** How a model is opened for an audit. */
export interface OpenModelOptions extends ImportedOptions {
  readonly runtime: NodeAudit["runtime"];
  /** Shape of the images that the network will meet. */
  readonly images?: Shape;
}

/** The flags of a preprocessing. */
const flagsOf = (where: NodeAudit): Preprocessing => {
  const { mean, std, scale, layout, channelOrder, resize, crop, interpolation } = where;
  return without({ mean, std, scale, layout, channelOrder, resize, crop, interpolation });
};

/** What is done to images and pixels, where that was found, and what else is to be said. */
interface Prepared {
  readonly said: Preprocessing;
  readonly sidecar: Sidecar | null;
  readonly notes: readonly Note[];
}

async function preparation(path: string, where: NodeAudit, files: AuditFiles): Promise<Prepared> {
  const network = () => files.network(path, where.input);
  const sidecar = await preprocessingBeside(path, where.preprocessing, {
    read: files.readText,
    network,
  });
  const flags = flagsOf(where);
  if (sidecar === null) return { said: flags, sidecar, notes: [] };
  const { stated, dropped } = forNetwork(sidecar, await network());
  return {
    said: overridden(stated, flags),
    sidecar,
    notes: dropped === null ? [] : [{ code: "preprocessing-dropped", text: dropped }],
  };
}

/** A data set, and the sizing that its images went through. */
interface SizedData {
  readonly dataset: Dataset;
  readonly sizing: Sizing;
}

/**
 * The data set, its images resized and cropped. Images of other data than folders that have the final size already stay as they
 * are, unless flags ask for a size.
 */
async function auditData(
  data: string,
  said: Preprocessing,
  {
    isAsked,
    most,
    rules,
    takes,
  }: {
    readonly isAsked: boolean;
    readonly most: number | undefined;
    readonly rules: ImageRules | undefined;
    readonly takes: Shape | undefined;
  },
  files: AuditFiles,
): Promise<SizedData> {
  const sizing = sizingOf(said);
  const prepare = sizer(sizing);
  if (data.startsWith("folder:") || prepare === undefined) {
    const dataset = await files.openData(data, without({ most, rules, prepare, takes }));
    return { dataset, sizing };
  }
  const dataset = await files.openData(data, without({ most }));
  const final = finalSize(sizing);
  const fits = final?.join() === dataset.shape.slice(1).join();
  return fits && !isAsked
    ? { dataset, sizing: {} }
    : { dataset: resizedDataset(dataset, prepare), sizing };
}

function refuseUnused(path: string, where: NodeAudit, model: OpenModel): void {
  if (model.reading !== undefined) return;
  const { mean, std, scale, layout, channelOrder, output, input, constants, shape, blockSize } =
    where;
  const { maxConstants } = where;
  const given = Object.entries({
    mean,
    std,
    scale,
    layout,
    "channel-order": channelOrder,
    output,
    constants,
    "picture-input": input,
    "input-shape": shape,
    "block-size": blockSize,
    "max-constants": maxConstants,
  });
  const [unused] = given.find(([, value]) => value !== undefined) ?? [];
  if (unused !== undefined)
    throw new UsageError(
      `${path} was written by rampart and says itself how it is read; leave out --${unused}`,
    );
}

/** The data set with as many channels as the network takes. */
function withChannels(dataset: Dataset, channels: number): Dataset {
  if (dataset.shape[0] === 3 && channels === 1) return greyed(dataset);
  return dataset.shape[0] === 1 && channels === 3 ? coloured(dataset) : dataset;
}

/** Shape in which the network will meet the images: grey ones in three channels where the file states three. */
async function takenShape(
  path: string,
  { shape }: Dataset,
  where: NodeAudit,
  files: AuditFiles,
): Promise<Shape> {
  if (shape[0] !== 1) return shape;
  const network = await files.network(path, where.input);
  return network?.input?.[0] === 3 ? [3, ...shape.slice(1)] : shape;
}

async function outputNames(path: string, files: AuditFiles): Promise<OutputNames> {
  const text = await files.readText(path);
  if (text === null) throw new UsageError(`there is no file ${path}; --classes names one`);
  return parseOutputNames(text, path);
}

/** The classes that a config.json beside the network names, where they name every folder of the data set. */
async function namesBeside(
  path: string,
  { name, classes }: Dataset,
  outputs: number,
  files: AuditFiles,
): Promise<OutputNames | undefined> {
  const config = `${path.slice(0, path.search(/[^\\/]*$/))}config.json`;
  const text = name.startsWith("folder:") ? await files.readText(config) : null;
  const names = text === null ? null : namesInConfig(text, config);
  if (names === null) return undefined;
  try {
    outputsOfFolders(classes, outputs, names);
    return names;
  } catch (error) {
    if (error instanceof UsageError && classes.length === outputs) return undefined;
    throw error;
  }
}

/** Rules for image files that differ from the default, for the record. */
const statedRules = (rules: ImageRules | undefined) =>
  rules === undefined ? {} : statedImageOptions(rules);

/** The network and the images that it is attacked on, whose labels are its outputs. */
export async function openAudited(
  path: string,
  where: NodeAudit,
  { examples }: AuditOptions,
  files: AuditFiles,
) {
  const { runtime, data, classes, note = () => undefined } = where;
  const { said, sidecar, notes } = await preparation(path, where, files);
  const { output, input, constants, shape, blockSize, maxConstants, straightThrough } = where;
  const named = { output, input, constants, shape, blockSize, maxConstants };
  const read = without({ ...pixelsOf(said), ...named, straightThrough });
  const isAsked = where.resize !== undefined || where.crop !== undefined;
  const file = await files.network(path, input);
  // Of a model trained here all examples are read: which were held out depends on their number.
  const most = file === null || file.isOwn ? undefined : examples;
  const dataOf = (name: string) =>
    auditData(name, said, { isAsked, most, rules: where.rules, takes: file?.input }, files);
  const given = data === undefined ? null : await dataOf(data);
  const images = given === null ? undefined : await takenShape(path, given.dataset, where, files);
  const opening = { ...read, runtime };
  const model = await files.openModel(path, {
    ...opening,
    ...(images !== undefined && { images }),
  });
  refuseUnused(path, where, model);
  if (given === null && model.data === "")
    throw new UsageError(
      `${path} does not say what it was trained on; choose the test images by --data`,
    );
  const { dataset: whole, sizing } = given ?? (await dataOf(model.data));
  const isSame = await files.isSameData(model.data, whole.name);
  const { dataset: raw, warning } = testedData(model, whole, isSame);
  const { inputShape, classes: outputs } = model.architecture;
  const dataset = withChannels(raw, inputShape[0]);
  const names =
    classes === undefined
      ? await namesBeside(path, dataset, outputs, files)
      : await outputNames(classes, files);
  const labelled = forOutputs(dataset, outputs, names);
  const own = model.reading === undefined;
  const applied = own ? { mean: model.input.mean, std: model.input.std } : pixelsOf(said);
  const resolved = overridden(sizing, applied);
  const line = preparationLine(resolved, own ? null : sidecar, {
    isFound: where.preprocessing === undefined,
  });
  note({ code: "preprocessing", text: `images: ${line}` });
  for (const one of notes) note(one);
  for (const one of raw.notes ?? []) note(one);
  return {
    model: {
      ...model,
      // A file of somebody else's has no names of its own: its outputs are the data set's classes, as matched.
      ...(model.classNames.length === 0 && { classNames: labelled.classes }),
      ...(model.reading !== undefined && {
        reading: {
          ...model.reading,
          ...sizing,
          ...statedRules(where.rules),
          ...(classes !== undefined && { classes }),
        },
      }),
    },
    dataset: labelled,
    /** Why test images may have been trained on; null where they were not, or nothing is known of the training. */
    trainedOn: warning,
    /** What the network sees, in one line. */
    preprocessing: line,
    reopened: (more: ImportedOptions) =>
      files.openModel(path, { ...opening, ...(images !== undefined && { images }), ...more }),
  };
}
