import type { createColors } from "picocolors";
import type { z } from "zod";
import type { FilesOfCommand, OutputKind } from "./outputs.ts";

/** Where text goes: `processOutput(process.stdout)`, or an array with a `write` in a test. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What a command may touch of the outside world besides files. */
export interface Context {
  readonly stdout: Output;
  readonly stderr: Output;
  /** True under `--json`: results are JSON objects, one per line of stdout. */
  readonly json: boolean;
  /** Lines of results for a reader; nothing under `--json`. A line break inside a line is shown escaped. */
  print(...lines: readonly string[]): void;
  /** One result as a line of JSON; nothing without `--json`. */
  emit(result: object): void;
  /** Lines on stderr: a warning, where a file went, how to resume. */
  note(...lines: readonly string[]): void;
  /** What the program ends with instead of 0 once the command is done: a verdict, no failure. */
  exitWith(code: number): void;
  /** Aborted by Ctrl-C, SIGTERM or SIGHUP: stop after the current step and keep what is done. */
  readonly signal: AbortSignal;
  /** Colours for `print`; they do nothing on a pipe and under NO_COLOR. */
  readonly color: ReturnType<typeof createColors>;
  /** The command as typed, from the program's name on, to be recorded or repeated. */
  readonly argv: readonly string[];
}

type NameOf<P extends string> = P extends `${infer Name}...` | `${infer Name}?` ? Name : P;

/** `model` is a string, `rows...` one or more strings, `name?` a string or absent. */
export type Positionals<P extends string> = {
  readonly [K in P as NameOf<K>]: K extends `${string}...`
    ? readonly string[]
    : K extends `${string}?`
      ? string | undefined
      : string;
};

/** A command as a value: it can be run without a process. */
export interface Command<Values = unknown> {
  readonly summary: string;
  /** A strict object; its keys in camelCase are the flags in kebab-case. */
  readonly options: z.ZodObject;
  readonly positionals: readonly string[];
  readonly examples: readonly string[];
  /** Options and positionals that name what is read and what is written; one must not harm the other. */
  readonly files: FilesOfCommand;
  run(values: Values, context: Context): Promise<void>;
}

/** Commands under one word: `data list`, `data fetch`. */
export interface Group {
  readonly summary: string;
  readonly commands: Readonly<Record<string, Command>>;
}

/** Describes a command; flags, defaults, help, the options file and errors follow from `options`. */
export function command<S extends z.ZodObject, const P extends string = never>(spec: {
  readonly summary: string;
  readonly options: S;
  readonly positionals?: readonly P[];
  readonly examples?: readonly string[];
  readonly files?: {
    readonly inputs: readonly (NameOf<P> | (keyof z.output<S> & string))[];
    readonly outputs: { readonly [K in keyof z.output<S> & string]?: OutputKind };
  };
  run(values: z.output<S> & Positionals<P>, context: Context): Promise<void>;
}): Command<z.output<S> & Positionals<P>> {
  const { inputs = [], outputs = {} } = spec.files ?? {};
  const files = { inputs, outputs: outputs as FilesOfCommand["outputs"] };
  return { positionals: [], examples: [], ...spec, files };
}
