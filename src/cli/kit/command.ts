import type { createColors } from "picocolors";
import type { z } from "zod";
import { withDataName, withDataOptions } from "../../data/own-data-options.ts";
import type { FilesOfCommand, OutputKind } from "./command-files.ts";
import { flagOf } from "./flags.ts";

/** A destination for text: `processOutput(process.stdout)`, or an object with `write` in a test. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The environment of a command, apart from files. */
export interface Context {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether results are JSON objects, one per line of stdout (`--json`). */
  readonly json: boolean;
  /** Prints results for a person; does nothing under `--json`. A line break inside a line is shown escaped. */
  print(...lines: readonly string[]): void;
  /** Prints one result as a line of JSON; does nothing without `--json`. */
  emit(result: object): void;
  /** Prints lines to stderr: a warning, the path of a file, how to resume. */
  note(...lines: readonly string[]): void;
  /** Sets the exit code of a command that succeeds with a verdict; 0 by default. */
  exitWith(code: number): void;
  /** Aborts on Ctrl-C, SIGTERM or SIGHUP. The command stops after its current step and keeps finished work. */
  readonly signal: AbortSignal;
  /** Colours for `print`; plain text on a pipe and under NO_COLOR. */
  readonly color: ReturnType<typeof createColors>;
  /** The typed command, starting with the program's name, for records and for repeating it. */
  readonly argv: readonly string[];
}

type NameOf<P extends string> = P extends `${infer Name}...` | `${infer Name}?` ? Name : P;

/** The types of positional arguments: `model` is a string, `rows...` one or more strings, `name?` a string or undefined. */
export type Positionals<P extends string> = {
  readonly [K in P as NameOf<K>]: K extends `${string}...`
    ? readonly string[]
    : K extends `${string}?`
      ? string | undefined
      : string;
};

/** A command as a value; tests run it without a process. */
export interface Command<Values = unknown> {
  readonly summary: string;
  /** A strict object. Each key in camelCase is a flag in kebab-case. */
  readonly options: z.ZodObject;
  readonly positionals: readonly string[];
  /** What each positional argument is, by its name without `...` and `?`. */
  readonly argumentsHelp: Readonly<Record<string, string>>;
  readonly examples: readonly string[];
  /** Which options and positionals name inputs and outputs, so that no output overwrites an input. */
  readonly files: FilesOfCommand;
  run(values: Values, context: Context): Promise<void>;
}

/** Commands that share a first word: `data list`, `data fetch`. */
export interface Group {
  readonly summary: string;
  readonly commands: Readonly<Record<string, Command>>;
}

/** Descriptions of the arguments that several commands take. */
const commonArguments: Readonly<Record<string, string>> = {
  model: "an .onnx file, a run directory of train (its newest checkpoint), or a checkpoint",
  data: "a data set's name, folder:PATH or npz:PATH",
  property: "VNN-LIB property, .vnnlib, gzipped or not",
};

/**
 * Defines a command. Flags, defaults, help, the options file and error messages follow from the schema `options`. A function
 * makes the schema whenever it is asked for, so that it includes what plug-ins have added by then. A command whose option or
 * positional `data` names a data set also has the options of all data sets, and `run` gets a name that states them.
 */
export function command<S extends z.ZodObject, const P extends string = never>(spec: {
  readonly summary: string;
  readonly options: S | (() => S);
  readonly positionals?: readonly P[];
  /** What each positional argument is; those that several commands take are described in `commonArguments`. */
  readonly argumentsHelp?: { readonly [K in P as NameOf<K>]?: string };
  readonly examples?: readonly string[];
  readonly files?: {
    readonly inputs: readonly (NameOf<P> | (keyof z.output<S> & string))[];
    readonly outputs: { readonly [K in keyof z.output<S> & string]?: OutputKind };
  };
  run(values: z.output<S> & Positionals<P>, context: Context): Promise<void>;
}): Command<z.output<S> & Positionals<P>> {
  const { inputs = [], outputs = {} } = spec.files ?? {};
  const schema = () => (typeof spec.options === "function" ? spec.options() : spec.options);
  const takesData = () => "data" in schema().shape || spec.positionals?.some((p) => p === "data");
  return {
    summary: spec.summary,
    get options() {
      return takesData() ? withDataOptions(schema()) : schema();
    },
    positionals: spec.positionals ?? [],
    argumentsHelp: Object.assign({}, commonArguments, spec.argumentsHelp),
    examples: spec.examples ?? [],
    files: { inputs, outputs: outputs as FilesOfCommand["outputs"] },
    run: (values, context) =>
      spec.run(takesData() ? withDataName(values, "data" as never, flagOf) : values, context),
  };
}
