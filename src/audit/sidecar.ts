// The preprocessing of a network from a file beside it.
import {
  describePreprocessing,
  type Preprocessing,
  parsePreprocessing,
} from "../data/preprocessing.ts";
import { UsageError } from "../math/usage-error.ts";

/** How files beside a network are read, and who is told what they say. */
export interface SidecarSource {
  /** Text of a file; null if there is no such file. */
  readonly read: (file: string) => Promise<string | null>;
  /** Whether the network was exported by rampart, and states its preprocessing itself. */
  readonly isOwn: () => Promise<boolean>;
  readonly note: (line: string) => void;
}

/** The folder of a file with its slash; empty for a bare name. */
const folderOf = (path: string): string => path.slice(0, path.search(/[^\\/]*$/));

/** Files beside a network in which people keep its preprocessing. */
const besides = (path: string): string[] => [
  `${path}.json`,
  path.replace(/\.onnx(\.gz)?$/, ".json"),
  `${folderOf(path)}preprocessor_config.json`,
  `${folderOf(path)}config.json`,
];

/** What a file in JSON says of the preprocessing, given by name or found beside the network. */
export async function preprocessingBeside(
  path: string,
  given: string | undefined,
  { read, isOwn, note }: SidecarSource,
): Promise<Preprocessing> {
  if (given === "none") return {};
  for (const file of given === undefined ? besides(path) : [given]) {
    const text = await read(file);
    const found = text === null ? null : parsePreprocessing(text, file);
    if (found !== null && given === undefined) {
      if (!/\.onnx(\.gz)?$/.test(path)) return {};
      if (await isOwn()) return {};
    }
    if (found !== null) {
      const { format, preprocessing } = found;
      const own = given === undefined ? "; --preprocessing none leaves it unread" : "";
      note(
        `preprocessing from ${file} (as of ${format}): ${describePreprocessing(preprocessing)}${own}`,
      );
      return preprocessing;
    }
    if (given !== undefined)
      throw new UsageError(
        text === null
          ? `there is no file ${file}`
          : `${file} says nothing of preprocessing; it may have mean, std, scale, layout, resize, crop and interpolation, or be a preprocessor_config.json of Hugging Face or a config.json of timm`,
      );
  }
  return {};
}
