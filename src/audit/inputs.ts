// What an audit reads before it begins: the network, its preprocessing, and the test images.
import { type OutputNames, parseOutputNames } from "../data/classes.ts";
import type { Dataset } from "../data/dataset.ts";
import type { FolderOptions } from "../data/folder.ts";
import { forOutputs } from "../data/for-outputs.ts";
import { greyed } from "../data/grey.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import { sizer } from "../data/sizing.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { classifier } from "../models/classifier.ts";
import type { ImportedOptions } from "../models/imported.ts";
import type { OpenModel } from "../train/open-model.ts";
import type { AuditOptions } from "./options.ts";
import { preprocessingBeside } from "./sidecar.ts";
import { without } from "./without.ts";

/** What a file does not say of itself. */
export interface AuditedFile
  extends Omit<ImportedOptions, "raw" | keyof Preprocessing>,
    Preprocessing {
  /** JSON that says how pictures are prepared; by default one that lies beside the file, `none` for no such file. */
  readonly preprocessing?: string | undefined;
  /** File of the outputs' names. */
  readonly classes?: string | undefined;
}

/** The file, the pictures, what runs them, and where results go. */
export interface NodeAudit extends AuditedFile {
  readonly runtime: Parameters<typeof classifier>[0];
  /** Data set; by default the one that the file names. */
  readonly data?: string | undefined;
  readonly dataDir?: string | undefined;
  /** Folder of rows, summary.json, report.html and pictures; without it nothing is written. */
  readonly out?: string;
  readonly resume?: boolean;
  readonly saveExamples?: number;
  readonly signal?: AbortSignal;
  /** The command as typed, for the record. */
  readonly command?: string;
  /** Told what a reader of the result should know, such as where preprocessing was read. */
  readonly note?: (line: string) => void;
}

/** How an audit reads files; `node.ts` reads the disk. */
export interface AuditFiles {
  /** Text of a file; null if there is no such file. */
  readText(path: string): Promise<string | null>;
  openData(name: string, options: FolderOptions): Promise<Dataset>;
  openModel(path: string, options: OpenModelOptions): Promise<OpenModel>;
  /** Whether the network was exported by rampart, and states its preprocessing itself. */
  isOwn(path: string): Promise<boolean>;
}

/** How a model is opened for an audit. */
export interface OpenModelOptions extends ImportedOptions {
  readonly runtime: NodeAudit["runtime"];
  /** Shape of the images that the network will meet. */
  readonly pictures?: Shape;
}

/** The data set, its pictures resized and cropped. */
function auditData(
  data: string,
  { resize, crop, interpolation }: Preprocessing,
  examples: number,
  files: AuditFiles,
): Promise<Dataset> {
  const prepare = data.startsWith("folder:") ? sizer({ resize, crop, interpolation }) : undefined;
  return files.openData(data, { most: examples, ...(prepare && { prepare }) });
}

function refuseUnused(path: string, where: NodeAudit, model: OpenModel | null): void {
  const { data, resize, crop, interpolation } = where;
  const sized = resize !== undefined || crop !== undefined || interpolation !== undefined;
  if (model === null && sized && data !== undefined && !data.startsWith("folder:"))
    throw new UsageError(
      `--resize, --crop and --interpolation are for folder:PATH; the pictures of ${data} have one size`,
    );
  if (model === null || model.reading !== undefined) return;
  const { mean, std, scale, layout, output, input, constants, shape, blockSize } = where;
  const given = Object.entries({
    ...{ mean, std, scale, layout, output, constants },
    ...{ "picture-input": input, "input-shape": shape, "block-size": blockSize },
  });
  const [unused] = given.find(([, value]) => value !== undefined) ?? [];
  if (unused !== undefined)
    throw new UsageError(
      `${path} was written by rampart and says itself how it is read; leave out --${unused}`,
    );
}

async function outputNames(path: string, files: AuditFiles): Promise<OutputNames> {
  const text = await files.readText(path);
  if (text === null) throw new UsageError(`there is no file ${path}; --classes names one`);
  return parseOutputNames(text, path);
}

/** The network and the pictures that it is attacked on, whose labels are its outputs. */
export async function openAudited(
  path: string,
  where: NodeAudit,
  { examples }: AuditOptions,
  files: AuditFiles,
) {
  const { runtime, data, classes, note = () => undefined } = where;
  refuseUnused(path, where, null);
  const flags = (({ mean, std, scale, layout, resize, crop, interpolation }) =>
    without({ mean, std, scale, layout, resize, crop, interpolation }))(where);
  const preprocessing = {
    ...(await preprocessingBeside(path, where.preprocessing, {
      read: files.readText,
      isOwn: () => files.isOwn(path),
      note,
    })),
    ...flags,
  };
  const { resize, crop, interpolation, ...pixels } = preprocessing;
  const { output, input, constants, shape, blockSize, straightThrough } = where;
  const named = { output, input, constants, shape, blockSize };
  const read = without({ ...pixels, ...named, straightThrough });
  const dataOf = (name: string) => auditData(name, preprocessing, examples, files);
  const given = data === undefined ? null : await dataOf(data);
  const model = await files.openModel(path, {
    ...{ ...read, runtime },
    ...(given !== null && { pictures: given.shape }),
  });
  refuseUnused(path, where, model);
  if (given === null && model.data === "")
    throw new UsageError(
      `${path} does not say what it was trained on; choose the test images by --data`,
    );
  const raw = given ?? (await dataOf(model.data));
  const { inputShape, classes: outputs } = model.architecture;
  const dataset = raw.shape[0] === 3 && inputShape[0] === 1 ? greyed(raw) : raw;
  const names = classes === undefined ? undefined : await outputNames(classes, files);
  const labelled = forOutputs(dataset, outputs, names);
  const sizes = raw.name.startsWith("folder:") ? without({ resize, crop, interpolation }) : {};
  return {
    model: {
      ...model,
      // A file of somebody else's has no names of its own: its outputs are the data set's classes, as matched.
      ...(model.classNames.length === 0 && { classNames: labelled.classes }),
      ...(model.reading !== undefined && {
        reading: { ...model.reading, ...sizes, ...(classes !== undefined && { classes }) },
      }),
    },
    dataset: labelled,
    reopened: (more: ImportedOptions) =>
      files.openModel(path, { ...read, runtime, pictures: raw.shape, ...more }),
  };
}
