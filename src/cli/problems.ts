import { CommanderError } from "commander";
import { z } from "zod";
import { reasonOf } from "../files/reasons.ts";
import { nearest } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Field } from "./flags.ts";

const suggestion = (word: string, words: readonly string[]): string => {
  const meant = nearest(word, words);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
};

const nouns: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number such as 0.031 or 8/255",
  boolean: "true or false",
  array: "a list separated by commas",
  string: "a word",
};

const at = (values: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    values,
  );

/** How zod's own messages begin; a message that a schema brings of its own is shown as it is. */
const zodWords = /^(Too (small|big)|Invalid|Unrecognized)/;

/** The problems of an option's value, a line each: what, why, what to do. */
function problems(
  issue: z.core.$ZodIssue,
  fields: readonly Field[],
  values: unknown,
): readonly string[] {
  if (issue.code === "unrecognized_keys" && zodWords.test(issue.message)) {
    const names = fields.map(({ name }) => name);
    return issue.keys.map((key) => `unknown option "${key}"${suggestion(key, names)}`);
  }
  return [problem(issue, fields, values)];
}

function problem(issue: z.core.$ZodIssue, fields: readonly Field[], values: unknown): string {
  if (!zodWords.test(issue.message)) return issue.message;
  const field = fields.find(({ name }) => name === issue.path[0]);
  const name = field?.flag ?? issue.path.join(".");
  const value = at(values, issue.path);
  const is = `${name} is ${typeof value === "string" ? `"${value}"` : String(value)}`;
  if (value === undefined) return `${name} is missing: ${field?.schema.description ?? "give it"}`;
  switch (issue.code) {
    case "invalid_type":
      return `${is}, but it must be ${nouns[issue.expected] ?? issue.expected}`;
    case "invalid_value": {
      const words = issue.values.map(String);
      const meant = suggestion(String(value), words);
      return `${is}${meant === "" ? ", but" : meant} it must be one of ${words.join(", ")}`;
    }
    case "too_small": {
      if (issue.origin === "array") return `${name} is empty; give at least ${issue.minimum}`;
      const least = issue.inclusive ? "at least" : "more than";
      return `${is}, but it must be ${least} ${issue.minimum}`;
    }
    case "too_big": {
      const most = issue.inclusive ? "at most" : "less than";
      return `${is}, but it must be ${most} ${issue.maximum}`;
    }
    default:
      return `${is}: ${issue.message}`;
  }
}

/** All problems of the options at once, one per line. */
export function optionsError(
  error: z.core.$ZodError,
  fields: readonly Field[],
  values: unknown,
): UsageError {
  return new UsageError(error.issues.flatMap((issue) => problems(issue, fields, values)));
}

/** What commander refuses, in our words: `unknown option --epsilom; did you mean --epsilon?`. */
function commanderProblem({ message }: CommanderError): string {
  const [what, meant] = message.replace(/^error: /, "").split("\n");
  const hint = /\(Did you mean (?:one of )?(.*)\?\)/.exec(meant ?? "")?.[1];
  const plain = what.replaceAll("'", "").replace(/ <[^>]*>( argument missing)/, "$1");
  return hint === undefined ? plain : `${plain}; did you mean ${hint}?`;
}

/** Why the system refuses something with a file, and what to do; undefined for what is no fault of the user. */
export const fileProblem = (error: unknown): string | undefined => reasonOf(error);

/** What the user can fix, as the lines of a message; undefined for a bug of ours. */
export function usageLines(error: unknown): readonly string[] | undefined {
  if (error instanceof UsageError) return error.lines;
  if (error instanceof CommanderError) return [commanderProblem(error)];
  if (error instanceof z.core.$ZodError)
    return error.issues.map(({ path, message }) =>
      path.length > 0 ? `${path.join(".")}: ${message}` : message,
    );
  if (!(error instanceof Error)) return undefined;
  const why = fileProblem(error);
  return why === undefined
    ? undefined
    : [`${(error as NodeJS.ErrnoException).path ?? "a file"}: ${why}`];
}
