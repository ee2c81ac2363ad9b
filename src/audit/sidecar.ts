// The preprocessing of a network from a file beside it.
import {
  type FoundPreprocessing,
  jsonObject,
  type PreprocessedModel,
  parsePreprocessing,
} from "../data/preprocessing.ts";
import { UsageError } from "../math/usage-error.ts";

/** What a network's file itself says, before it is opened as a classifier. */
export interface NetworkFile {
  /** Whether the network was exported by rampart, and states its preprocessing itself. */
  readonly isOwn: boolean;
  /** [channel, height, width] that it takes; undefined where it leaves a length open. */
  readonly input?: readonly number[] | undefined;
  /** Whether it takes whole numbers, as bytes are, and so normalises its images itself. */
  readonly takesWhole: boolean;
}

/** How files beside a network are read. */
export interface SidecarSource {
  /** Text of a file; null if there is no such file. */
  readonly read: (file: string) => Promise<string | null>;
  /** Null where the model is no ONNX file. */
  readonly network: () => Promise<NetworkFile | null>;
}

/** A file's preprocessing, and where it was found. */
export interface Sidecar extends FoundPreprocessing {
  readonly file: string;
}

/** The folder of a file with its slash; empty for a bare name. */
const folderOf = (path: string): string => path.slice(0, path.search(/[^\\/]*$/));

/** Files beside an ONNX file in which people keep its preprocessing; a run directory and a checkpoint state their own. */
const besides = (path: string): string[] =>
  /\.onnx(\.gz)?$/.test(path)
    ? [
        `${path}.json`,
        path.replace(/\.onnx(\.gz)?$/, ".json"),
        `${folderOf(path)}preprocessor_config.json`,
        `${folderOf(path)}processor_config.json`,
        `${folderOf(path)}config.json`,
      ]
    : [];

/** `model_type` of the config.json in a file's folder. */
async function modelTypeBeside(file: string, read: SidecarSource["read"]) {
  const path = `${folderOf(file)}config.json`;
  const text = path === file ? null : await read(path);
  const type = text === null ? undefined : jsonObject(text, path)?.model_type;
  return typeof type === "string" ? type : undefined;
}

/**
 * What a file in JSON says of the preprocessing, given by name or found beside the network; null where there is none, and
 * for a network that states its preprocessing itself. Bytes are normalised by the network that takes them.
 */
export async function preprocessingBeside(
  path: string,
  given: string | undefined,
  { read, network }: SidecarSource,
): Promise<Sidecar | null> {
  if (given === "none") return null;
  for (const file of given === undefined ? besides(path) : [given]) {
    const text = await read(file);
    if (text === null && given !== undefined) throw new UsageError(`there is no file ${file}`);
    if (text === null) continue;
    const facts = await network();
    if (given === undefined && (facts === null || facts.isOwn)) return null;
    const modelType = await modelTypeBeside(file, read);
    const model: PreprocessedModel = { input: facts?.input, modelType };
    const found = parsePreprocessing(text, file, model);
    if (found !== null) return { ...found, file };
    if (given !== undefined)
      throw new UsageError(
        `${file} says nothing of preprocessing; it may have mean, std, scale, layout, channelOrder, resize, crop and interpolation, or be a preprocessor_config.json of Hugging Face, a config.json of timm, or a preset of torchvision`,
      );
  }
  return null;
}
