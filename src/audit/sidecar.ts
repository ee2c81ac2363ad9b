// Finds the preprocessing of a network in a JSON file beside it.
import {
  type FoundPreprocessing,
  jsonObject,
  type PreprocessedModel,
  parsePreprocessing,
} from "../data/preprocessing.ts";
import { UsageError } from "../math/usage-error.ts";

/** What an ONNX file states about its input; known before the file is opened as a classifier. */
export interface NetworkFile {
  /** Whether rampart exported the network, which then states its preprocessing itself. */
  readonly isOwn: boolean;
  /** [channel, height, width] of its images; undefined where it leaves a length open. */
  readonly input?: readonly number[] | undefined;
  /** Whether it takes whole numbers, as bytes are, and so normalises images itself. */
  readonly takesWhole: boolean;
}

/** Access to the files beside a network. */
export interface SidecarSource {
  /** Text of a file; null if there is no such file. */
  readonly read: (file: string) => Promise<string | null>;
  /** Null where the model is not an ONNX file. */
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

/** `model_type` in the config.json beside a file; undefined where there is none. */
async function modelTypeBeside(file: string, read: SidecarSource["read"]) {
  const path = `${folderOf(file)}config.json`;
  const text = path === file ? null : await read(path);
  const type = text === null ? undefined : jsonObject(text, path)?.model_type;
  return typeof type === "string" ? type : undefined;
}

/**
 * The preprocessing in the file `given`, or else in the first file beside the network that states one. Null where there is
 * none, where `given` is `none`, and for a network that states its preprocessing itself. Throws `UsageError` where `given`
 * does not exist or states no preprocessing.
 */
export async function preprocessingBeside(
  path: string,
  given: string | undefined,
  { read, network }: SidecarSource,
): Promise<Sidecar | null> {
  if (given === "none") return null;
  for (const file of given === undefined ? candidates(path) : [given]) {
    const text = await read(file);
    if (text === null && given !== undefined)
      throw new UsageError(`there is no file ${file}; --preprocessing names one`, {
        code: "not-found",
      });
    if (text === null) continue;
    const facts = await network();
    if (given === undefined && (facts === null || facts.isOwn)) return null;
    const modelType = await modelTypeBeside(file, read);
    const model: PreprocessedModel = { input: facts?.input, modelType };
    const found = parsePreprocessing(text, file, model);
    if (found !== null) return { ...found, file };
    if (given !== undefined)
      throw new UsageError(
        `${file} states no preprocessing; it may have mean, std, scale, layout, channelOrder, resize, crop and interpolation, or be a preprocessor_config.json of Hugging Face, a config.json of timm, or a preset of torchvision`,
        { code: "bad-file" },
      );
  }
  return null;
}
