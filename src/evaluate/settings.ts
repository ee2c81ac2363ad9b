import { openedJson } from "../files/sealed.ts";
import { UsageError } from "../math/usage-error.ts";
import { evaluateSchema, type ResolvedOptions } from "./options.ts";
import { skipsBroken } from "./skip-options.ts";

/** Everything needed to repeat an evaluation, stored beside the rows as `ROWS.settings.json`. */
export interface Settings {
  readonly model: {
    /** Its label in tables. */
    readonly name: string;
    /** The run directory or file. */
    readonly path: string;
    readonly defense: string;
    /** The data set that the model was trained on. */
    readonly data: string;
    readonly architecture: string;
    /** The first 16 hexadecimal digits of the SHA-256 of its parameters: equal for equal networks. */
    readonly weights: string;
    /** How a third-party file is read: mean, std and so on. Empty for models trained here; missing in older files. */
    readonly reading?: Readonly<Record<string, unknown>> | undefined;
    /** Number of trainable parameters. */
    readonly parameters: number;
    /** Multiply-accumulate operations of one prediction for one image (`predictionMacs`); missing in older files. */
    readonly macs?: number | undefined;
    /** `uniform:0.2`; null for a deterministic classifier. */
    readonly noise: string | null;
    /** The noise in words, for pixels in [0, 1]. */
    readonly noiseText: string | null;
    readonly classNames: readonly string[];
    /** The lines of metrics.jsonl, one per epoch; empty if unknown. */
    readonly training: readonly Readonly<Record<string, unknown>>[];
    /** Resolved options of training; empty if unknown. */
    readonly config: Readonly<Record<string, unknown>>;
  };
  /** The attacked data set. */
  readonly data: string;
  /** Test images that were to be attacked when the rows were begun; missing in older files. */
  readonly images?: number | undefined;
  /** Present if the rows are those of an audit, which writes a summary.json at its end. */
  readonly kind?: "audit" | undefined;
  /** Warnings about the numbers, such as that test images may have been in the training data. */
  readonly warnings?: readonly string[] | undefined;
  /** Resolved options of the evaluation. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Names of options that this evaluation does not use, such as options of other attacks; missing in older files. */
  readonly unused?: readonly string[] | undefined;
  readonly versions: { readonly rampart: string; readonly engine: string };
  readonly machine: Readonly<Record<string, unknown>>;
  readonly target: Readonly<Record<string, unknown>>;
  /** The command as typed; null if there was none. */
  readonly command: string | null;
  /** The loaded plug-ins, as given on the command line; absent if there are none. */
  readonly plugins?: readonly string[] | undefined;
  /** The start of the evaluation, ISO 8601. */
  readonly started: string;
}

/** The options as settings files hold them, where `skipBroken` keeps its former name. */
export function storedOptions(options: ResolvedOptions): Readonly<Record<string, unknown>> {
  const { skipBroken, ...others } = options;
  return { ...others, onlyStanding: skipBroken };
}

/** The settings that all rows of one file share: what was evaluated, and how. */
function compared({ model, data, options }: Settings): Record<string, unknown> {
  const { onlyStanding: _, ...named } = options;
  return {
    model: model.name,
    architecture: model.architecture,
    weights: model.weights,
    ...model.reading,
    noise: model.noise,
    data,
    // Options that did not exist when a file was written had their defaults.
    ...evaluateSchema().parse({}),
    ...named,
    skipBroken: skipsBroken(options),
    // More examples extend a file, and the batch size does not change random draws.
    examples: null,
    batch: null,
  };
}

/** The settings that differ, as text with their names: `steps 10` before, `steps 20` now. */
export interface SettingsDifference {
  readonly before: string;
  readonly now: string;
}

/** The settings in which an evaluation differs from stored rows; null if there are none. */
export const differences = (now: Settings, before: Settings): SettingsDifference | null =>
  differing(compared(now), compared(before));

/** The same for the runtime and the versions, which change the last bits of rows only. */
export const targetDifferences = (now: Settings, before: Settings): SettingsDifference | null =>
  differing({ ...now.target, ...now.versions }, { ...before.target, ...before.versions });

type Values = Readonly<Record<string, unknown>>;

function differing(now: Values, before: Values): SettingsDifference | null {
  const names = [...new Set([...Object.keys(now), ...Object.keys(before)])].filter(
    (name) => JSON.stringify(now[name]) !== JSON.stringify(before[name]),
  );
  if (names.length === 0) return null;
  const listed = (values: Values) =>
    names.map((name) => `${name} ${text(values[name])}`).join(", ");
  return { before: listed(before), now: listed(now) };
}

function text(value: unknown): string {
  if (value === undefined) return "not set";
  return typeof value === "string" ? value : JSON.stringify(value);
}

const isObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Parses the text of a ROWS.settings.json. Throws `UsageError` if it is damaged. */
export function storedSettings(file: string, text: string): Settings {
  const advice = "choose another --out, or delete the rows and evaluate again";
  const settings = openedJson(file, text, advice);
  const missing = ["model", "options", "versions", "target"].find(
    (name) => !isObject(settings[name]),
  );
  if (missing !== undefined)
    throw new UsageError(`${file} is damaged: its ${missing} is not an object; ${advice}`, {
      code: "bad-file",
    });
  return settings as unknown as Settings;
}
