// Finds the preprocessing of a network in a JSON file beside it.
import {
  type FoundPreprocessing,
  type PreprocessedModel,
  preprocessingIn,
} from "../data/read-preprocessing.ts";
import { UsageError } from "../math/usage-error.ts";
import type { SidecarFiles } from "./sidecar-files.ts";

/** The facts that an ONNX file states about its input; known before the file is opened as a classifier. */
export interface NetworkFile {
  /** Whether rampart exported the network, so that the file states its preprocessing. */
  readonly isOwn: boolean;
  /** Whether the file records that training held out a part of a data set without a test split. */
  readonly recordsHeldOut?: boolean;
  /** [channel, height, width] of its images; undefined if the file leaves a length open. */
  readonly input?: readonly number[] | undefined;
  /** Whether the network takes integers, such as bytes, and so normalises images itself. */
  readonly takesWhole: boolean;
}

/** Access to the files beside a network. */
export interface SidecarSource {
  readonly files: SidecarFiles;
  /** The facts of the ONNX file; null for other files. */
  readonly network: () => Promise<NetworkFile | null>;
}

/** A preprocessing and the file that states it. */
export interface Sidecar extends FoundPreprocessing {
  readonly file: string;
}

/** The folder of a file with its slash; empty for a bare name. */
export const folderOf = (path: string): string => path.slice(0, path.search(/[^\\/]*$/));

/** Files beside an ONNX file that may state its preprocessing, in order. Run directories and checkpoints state their own. */
function candidates(path: string): string[] {
  if (!/\.onnx(\.gz)?$/.test(path)) return [];
  const folder = folderOf(path);
  return [
    `${path}.json`,
    path.replace(/\.onnx(\.gz)?$/, ".json"),
    `${folder}preprocessor_config.json`,
    `${folder}processor_config.json`,
    `${folder}config.json`,
  ];
}

/** `model_type` in the config.json beside a file; undefined if there is none. */
async function modelTypeBeside(file: string, files: SidecarFiles): Promise<string | undefined> {
  const path = `${folderOf(file)}config.json`;
  const config = path === file ? null : await files.object(path);
  const type = config?.model_type;
  return typeof type === "string" ? type : undefined;
}

/**
 * The preprocessing in the file `given`, or else in the first file beside the network that states one. Null if there is no
 * such file, if `given` is `none`, and if the network states its own preprocessing. Throws `UsageError` if `given` does not
 * exist or states no preprocessing.
 */
export async function preprocessingBeside(
  path: string,
  given: string | undefined,
  { files, network }: SidecarSource,
): Promise<Sidecar | null> {
  if (given === "none") return null;
  for (const file of given === undefined ? candidates(path) : [given]) {
    const text = await files.text(file);
    if (text === null && given !== undefined)
      throw new UsageError(
        `there is no file ${file}, which --preprocessing names; give the path of a JSON file, or none`,
        {
          code: "not-found",
        },
      );
    if (text === null) continue;
    const facts = await network();
    if (given === undefined && (facts === null || facts.isOwn)) return null;
    const modelType = await modelTypeBeside(file, files);
    const model: PreprocessedModel = { input: facts?.input, modelType };
    const value = await files.object(file);
    const found = value === null ? null : preprocessingIn(value, file, model);
    if (found !== null) return { ...found, file };
    if (given !== undefined)
      throw new UsageError(
        `${file} states no preprocessing; it may have mean, std, scale, layout, channelOrder, resize, crop and interpolation, or be a preprocessor_config.json of Hugging Face, a config.json of timm, or a preset of torchvision`,
        { code: "bad-file" },
      );
  }
  return null;
}
