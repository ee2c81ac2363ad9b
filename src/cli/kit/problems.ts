import { CommanderError } from "commander";
import { z } from "zod";
import { reasonOf } from "../../files/reasons.ts";
import { didYouMean } from "../../math/nearest.ts";
import { meantOptions, type Naming } from "../../math/option-problems.ts";
import { type UsageCode, UsageError } from "../../math/usage-error.ts";
import type { Field } from "./flags.ts";

/** How messages name the options of a command. `file` is the options file that some of them were read from. */
export function namingOf(
  fields: readonly Field[],
  file?: { readonly path: string; readonly names: readonly string[] },
): Naming {
  const fieldOf = (name: string) => fields.find((field) => field.name === name);
  const ofFile = (name: string) => file?.names.includes(name) === true;
  return {
    label: (name) => (ofFile(name) ? name : (fieldOf(name)?.flag ?? name)),
    describe: (name) => fieldOf(name)?.schema.description,
    names: fields.map(({ name }) => name),
    where: (name) => (ofFile(name) ? ` in ${file?.path}` : ""),
  };
}

/** The error for an unknown flag; suggests similar ones. */
export function unknownFlag(flag: string, fields: readonly Field[]): UsageError {
  const [typed] = flag.split("=");
  const word = typed
    .replace(/^--?/, "")
    .replace(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase());
  const meant = meantOptions(
    word,
    fields.map(({ name }) => name),
  );
  const flags = meant.map((name) => fields.find((field) => field.name === name)?.flag ?? name);
  return new UsageError(`unknown option ${typed}${didYouMean(flags)}`, { code: "unknown-option" });
}

/** Commander's message in our style: `unknown option --epsilom; did you mean --epsilon?`. */
export function plainText({ message }: CommanderError): string {
  const [what, meant] = message.replace(/^error: /, "").split("\n");
  const hint = /\(Did you mean (?:one of )?(.*)\?\)/.exec(meant ?? "")?.[1];
  const plain = what.replaceAll("'", "").replace(/ <[^>]*>( argument missing)/, "$1");
  return hint === undefined ? plain : `${plain}; did you mean ${hint}?`;
}

/** Why the operating system refused a file, and what to do; undefined if the user cannot fix it. */
export const fileProblem = (error: unknown): string | undefined => reasonOf(error);

/** The lines of a message about something the user can fix; undefined for a bug of ours. */
export function usageLines(error: unknown): readonly string[] | undefined {
  if (error instanceof UsageError) return error.lines;
  if (error instanceof CommanderError) return [plainText(error)];
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

const commanderCodes: ReadonlyMap<string, UsageCode> = new Map([
  ["commander.unknownOption", "unknown-option"],
  ["commander.unknownCommand", "unknown-option"],
  ["commander.excessArguments", "unknown-option"],
  ["commander.missingArgument", "missing-option"],
  ["commander.optionMissingArgument", "missing-option"],
  ["commander.missingMandatoryOptionValue", "missing-option"],
  ["commander.invalidArgument", "bad-option"],
]);

/** The stable code of an error, as docs/errors.md lists them; `internal` for a bug of ours. */
export function errorCodeOf(error: unknown): UsageCode | "internal" {
  if (error instanceof UsageError) return error.code;
  if (error instanceof CommanderError) return commanderCodes.get(error.code) ?? "usage";
  if (error instanceof z.core.$ZodError) return "bad-option";
  if (fileProblem(error) === undefined) return "internal";
  return (error as NodeJS.ErrnoException).code === "ENOENT" ? "not-found" : "cannot-write";
}
