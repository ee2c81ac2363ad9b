import { z } from "zod";
import { didYouMean, nearest, PLUGIN_ADVICE } from "./nearest.ts";
import { type UsageCode, UsageError } from "./usage-error.ts";

/** How messages refer to options: by flag on the command line, by name in the library. */
export interface Naming {
  /** The option as messages print it: `--epsilon-linf`, `epsilonLinf`. */
  label(name: string): string;
  /** The option's description; undefined if its schema has none. */
  describe(name: string): string | undefined;
  /** The names of all options. */
  readonly names: readonly string[];
  /** Where the option was set, with a leading space, such as ` in options.json`; empty if that is obvious. */
  where?(name: string): string;
}

/** Names of options in other tools, and ours. */
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

/** The options that an unknown name probably means: those of a synonym, or the nearest name; none if no name is near. */
export function meantOptions(word: string, names: readonly string[]): readonly string[] {
  const synonymous = Object.hasOwn(synonyms, word) ? synonyms[word] : [];
  const available = synonymous.filter((name) => names.includes(name));
  if (available.length > 0) return available;
  const guess = nearest(word, names);
  return guess === undefined ? [] : [guess];
}

/** Names of zod's types in messages. */
const nouns: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number such as 0.031 or 8/255",
  boolean: "true or false",
  array: "a list",
  string: "a word",
  function: "a function",
  object: "an object",
};

/** A value as messages print it. */
const shown = (value: unknown): string => {
  if (typeof value === "string") return `"${value}"`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
};

/** The value at a path of keys; undefined if there is none. */
const at = (values: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    values,
  );

/** Replaces the messages that zod would write; a message that a schema defines itself stays. */
const NO_MESSAGE = "";

/** A hint for a percentage that was given as a share; empty otherwise. */
const shareHint = (value: unknown, maximum: unknown): string =>
  maximum === 1 && typeof value === "number" && value > 1 && value <= 100
    ? `; shares are in [0, 1], did you mean ${value / 100}?`
    : "";

/** The message about the value of one option: what is wrong, why, and what to do. */
function valueProblem(issue: z.core.$ZodIssue, naming: Naming, values: unknown): string {
  if (issue.message !== NO_MESSAGE) return issue.message;
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
      const bound = issue.inclusive ? "at most" : "less than";
      return `${is}, but it must be ${bound} ${issue.maximum}${shareHint(value, issue.maximum)}`;
    }
    default: {
      const description = naming.describe(option);
      return `${is}, which it cannot be${description === undefined ? "" : `: ${description}`}`;
    }
  }
}

/** The messages about one issue: one per unknown option. */
function problems(issue: z.core.$ZodIssue, naming: Naming, values: unknown): readonly string[] {
  if (issue.code !== "unrecognized_keys") return [valueProblem(issue, naming, values)];
  return issue.keys.map((key) => {
    const meant = meantOptions(key, naming.names);
    return `unknown option "${key}"${naming.where?.(key) ?? ""}${didYouMean(meant)}`;
  });
}

/** Whether a value is the name of no definition. The option's schema says so by `.meta({ named: true })`. */
function isUnknownName(
  schema: z.ZodType,
  { code, path }: z.core.$ZodIssue,
  values: unknown,
): boolean {
  if (!(schema instanceof z.ZodObject) || (code !== "custom" && code !== "invalid_value"))
    return false;
  const option: z.ZodType | undefined = schema.shape[String(path[0])];
  const isNamed = option !== undefined && z.globalRegistry.get(option)?.named === true;
  return isNamed && at(values, path) !== undefined;
}

function codeOf(schema: z.ZodType, issue: z.core.$ZodIssue, values: unknown): UsageCode {
  if (issue.code === "unrecognized_keys") return "unknown-option";
  if (isUnknownName(schema, issue, values)) return "unknown-name";
  return at(values, issue.path) === undefined ? "missing-option" : "bad-option";
}

/**
 * The output of `schema` for `values`. Throws a `UsageError` with a line for each problem; its code is that of the first
 * problem: `unknown-option`, `missing-option` or `bad-option`.
 */
export function parseOptions<S extends z.ZodType>(
  schema: S,
  values: unknown,
  naming: Naming,
): z.output<S> {
  const result = schema.safeParse(values, { error: () => NO_MESSAGE });
  if (result.success) return result.data;
  const { issues } = result.error;
  const lines = issues.flatMap((issue) => problems(issue, naming, values));
  if (issues.some((issue) => isUnknownName(schema, issue, values))) lines.push(PLUGIN_ADVICE);
  throw new UsageError(lines, { code: codeOf(schema, issues[0], values) });
}

/**
 * The options of a library function, with defaults. Throws a `UsageError` with the messages of the command line if any option
 * is unknown, missing or out of range.
 */
export function checkedOptions<S extends z.ZodObject>(schema: S, options: unknown): z.output<S> {
  if (typeof options !== "object" || options === null)
    throw new UsageError(`the options are ${shown(options)}, but they must be an object`, {
      code: "bad-option",
    });
  const { shape } = schema;
  return parseOptions(schema, options, {
    label: (name) => name,
    describe: (name) =>
      Object.hasOwn(shape, name) ? z.globalRegistry.get(shape[name])?.description : undefined,
    names: Object.keys(shape),
  });
}
