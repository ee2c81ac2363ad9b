import { openedJson } from "../files/sealed.ts";
import { UsageError } from "../math/usage-error.ts";
import { EvaluateOptions } from "./options.ts";

/** Everything needed to repeat an evaluation; stands beside the rows as `ROWS.settings.json`. */
export interface Settings {
  readonly model: {
    /** What tables call it. */
    readonly name: string;
    /** The run directory or file. */
    readonly path: string;
    readonly defense: string;
    /** Data set it was trained on. */
    readonly data: string;
    readonly architecture: string;
    /** SHA-256 of its arrays, the first 16 hexadecimal digits: says whether two evaluations met the same network. */
    readonly weights: string;
    /** How a file that somebody else wrote is read: mean, std and the like; empty for one of ours, missing in older files. */
    readonly reading?: Readonly<Record<string, unknown>> | undefined;
    /** Trainable numbers. */
    readonly parameters: number;
    /** `uniform:0.2`; null for a deterministic classifier. */
    readonly noise: string | null;
    /** The same in words, with the pixel scale. */
    readonly noiseText: string | null;
    readonly classNames: readonly string[];
    /** Lines of metrics.jsonl, one per epoch of training; none if unknown. */
    readonly training: readonly Readonly<Record<string, unknown>>[];
    /** Resolved options of training; empty if unknown. */
    readonly config: Readonly<Record<string, unknown>>;
  };
  /** Data set that was attacked. */
  readonly data: string;
  /** What a reader of the numbers must know, such as that test images may have been trained on; absent where nothing. */
  readonly warnings?: readonly string[] | undefined;
  /** Resolved options of the evaluation. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly versions: { readonly rampart: string; readonly engine: string };
  readonly machine: Readonly<Record<string, unknown>>;
  readonly target: Readonly<Record<string, unknown>>;
  /** The command as typed; null if there was none. */
  readonly command: string | null;
  /** When the rows were begun, ISO 8601. */
  readonly started: string;
}

/** Settings under which rows may stand in one file: what was evaluated, and how. */
const compared = ({ model, data, options }: Settings): Record<string, unknown> => ({
  model: model.name,
  architecture: model.architecture,
  weights: model.weights,
  ...model.reading,
  noise: model.noise,
  data,
  // An option that the file is older than had no effect on its rows.
  ...EvaluateOptions.parse({}),
  ...options,
  // More examples extend a file; the batch changes no draw.
  examples: null,
  batch: null,
});

/** The names of the settings that differ, with both values: `steps 20 (was 10)`. */
export const differences = (now: Settings, before: Settings): string[] =>
  differing(compared(now), compared(before));

/** The same for what does not decide whether rows may stand in one file, but changes their last bits. */
export const targetDifferences = (now: Settings, before: Settings): string[] =>
  differing({ ...now.target, ...now.versions }, { ...before.target, ...before.versions });

function differing(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>) {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]))
    .map((name) => `${name} ${text(a[name])} (was ${text(b[name])})`);
}

const text = (value: unknown): string =>
  value === undefined ? "not set" : typeof value === "string" ? value : JSON.stringify(value);

const isObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The settings in the text of a ROWS.settings.json; a UsageError where it is damaged. */
export function storedSettings(file: string, text: string): Settings {
  const advice = "choose another --out, or delete the rows and evaluate again";
  const settings = openedJson(file, text, advice);
  const missing = ["model", "options", "versions", "target"].find(
    (name) => !isObject(settings[name]),
  );
  if (missing !== undefined)
    throw new UsageError(`${file} is damaged: its ${missing} is no object; ${advice}`);
  return settings as unknown as Settings;
}
