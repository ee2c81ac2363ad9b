import { z } from "zod";
import { nearest } from "./nearest.ts";
import { type UsageCode, UsageError } from "./usage-error.ts";

/** How messages speak of options: as flags on the command line, by their names in the library. */
export interface Naming {
  /** What a message calls the option of this name: `--epsilon-linf`, `epsilonLinf`. */
  label(name: string): string;
  /** What the option is for; undefined where its schema does not say. */
  describe(name: string): string | undefined;
  /** The names of all options. */
  readonly names: readonly string[];
  /** Where the option was written, such as ` in options.json`. */
  where?(name: string): string;
}

/** What people call options elsewhere, and our names for them. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  lr: ["rate"],
  learningRate: ["rate"],
  wd: ["weightDecay"],
  eps: ["epsilonLinf", "epsilonL2", "epsilonL1"],
  epsilon: ["epsilonLinf", "epsilonL2", "epsilonL1"],
  batchSize: ["batch"],
  bs: ["batch"],
  dataset: ["data"],
  output: ["out"],
  outDir: ["out"],
  outputDir: ["out"],
  norm: ["norms"],
  attack: ["attacks"],
  numSteps: ["steps"],
  iterations: ["steps"],
  arch: ["model"],
  architecture: ["model"],
  gpu: ["device"],
  workers: ["threads"],
  samples: ["examples"],
  limit: ["examples"],
  threshold: ["require"],
  preprocess: ["preprocessing"],
};

/** The options that an unknown name was probably meant to be; none where nothing is near. */
export function meantOptions(word: string, names: readonly string[]): readonly string[] {
  const known = Object.hasOwn(synonyms, word) ? synonyms[word] : [];
  const same = known.filter((name) => names.includes(name));
  if (same.length > 0) return same;
  const guess = nearest(word, names);
  return guess === undefined ? [] : [guess];
}

/** `; did you mean a, b or c?`, or nothing. */
export function didYouMean(words: readonly string[]): string {
  if (words.length === 0) return "";
  const last = words[words.length - 1];
  const others = words.slice(0, -1).join(", ");
  return `; did you mean ${others === "" ? last : `${others} or ${last}`}?`;
}

const nouns: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number such as 0.031 or 8/255",
  boolean: "true or false",
  array: "a list",
  string: "a word",
  function: "a function",
  object: "an object",
};

const shown = (value: unknown): string => {
  if (typeof value === "string") return `"${value}"`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
};

const at = (values: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    values,
  );

/** How zod's own messages begin; a message that a schema brings of its own is shown as it is. */
const zodWords = /^(Too (small|big)|Invalid|Unrecognized)/;

/** A percentage where a share is wanted. */
const asShare = (value: unknown, maximum: unknown): string =>
  maximum === 1 && typeof value === "number" && value > 1 && value <= 100
    ? `; shares are in [0, 1], did you mean ${value / 100}?`
    : "";

/** A problem of one option's value: what, why, what to do. */
function valueProblem(issue: z.core.$ZodIssue, naming: Naming, values: unknown): string {
  if (!zodWords.test(issue.message)) return issue.message;
  const option = String(issue.path[0] ?? "");
  const name = `${naming.label(option)}${naming.where?.(option) ?? ""}`;
  const value = at(values, issue.path);
  if (value === undefined) return `${name} is missing: ${naming.describe(option) ?? "give it"}`;
  const is = `${name} is ${shown(value)}`;
  switch (issue.code) {
    case "invalid_type":
      return `${is}, but it must be ${nouns[issue.expected] ?? issue.expected}`;
    case "invalid_value": {
      const words = issue.values.map(String);
      const meant = nearest(String(value), words);
      const but = meant === undefined ? ", but" : didYouMean([meant]);
      return `${is}${but} it must be one of ${words.join(", ")}`;
    }
    case "too_small": {
      if (issue.origin === "array") return `${name} is empty; give at least ${issue.minimum}`;
      return `${is}, but it must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
    }
    case "too_big": {
      const most = issue.inclusive ? "at most" : "less than";
      return `${is}, but it must be ${most} ${issue.maximum}${asShare(value, issue.maximum)}`;
    }
    default:
      return `${is}, which it cannot be${naming.describe(option) === undefined ? "" : `: ${naming.describe(option)}`}`;
  }
}

function problems(issue: z.core.$ZodIssue, naming: Naming, values: unknown): readonly string[] {
  if (issue.code !== "unrecognized_keys") return [valueProblem(issue, naming, values)];
  return issue.keys.map((key) => {
    const meant = meantOptions(key, naming.names);
    return `unknown option "${key}"${naming.where?.(key) ?? ""}${didYouMean(meant)}`;
  });
}

function codeOf(issue: z.core.$ZodIssue, values: unknown): UsageCode {
  if (issue.code === "unrecognized_keys") return "unknown-option";
  return at(values, issue.path) === undefined ? "missing-option" : "bad-option";
}

/** All problems of the options at once, one per line; the code is that of the first. */
export function optionsError(
  { issues }: z.core.$ZodError,
  naming: Naming,
  values: unknown,
): UsageError {
  return new UsageError(
    issues.flatMap((issue) => problems(issue, naming, values)),
    { code: codeOf(issues[0], values) },
  );
}

/**
 * The options of a library function with their defaults. Throws a `UsageError` that names each option that is unknown,
 * missing or out of range, in the words of the command line.
 */
export function checked<S extends z.ZodObject>(schema: S, options: unknown): z.output<S> {
  if (typeof options !== "object" || options === null)
    throw new UsageError(`the options are ${shown(options)}, but they must be an object`, {
      code: "bad-option",
    });
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const { shape } = schema;
  throw optionsError(
    result.error,
    {
      label: (name) => name,
      describe: (name) =>
        Object.hasOwn(shape, name) ? z.globalRegistry.get(shape[name])?.description : undefined,
      names: Object.keys(shape),
    },
    options,
  );
}
