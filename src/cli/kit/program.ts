import { Command as Commander, CommanderError, Option } from "commander";
import colors from "picocolors";
import { isStdout } from "../../files/write/node.ts";
import { messageOf } from "../../math/message-of.ts";
import { nearest } from "../../math/nearest.ts";
import { parseOptions } from "../../math/option-problems.ts";
import { parsedAs } from "../../math/option-text.ts";
import { UsageError } from "../../math/usage-error.ts";
import { printable } from "../../report/printable.ts";
import type { Command, Context, Group, Output } from "./command.ts";
import { type Config, configIn, loadPlugins } from "./config.ts";
import { type Field, fieldsOf, flagsOf } from "./flags.ts";
import { refuseOverlaps } from "./outputs.ts";
import { errorCodeOf, namingOf, plainText, unknownFlag, usageLines } from "./problems.ts";

/** The streams and the signal of one run of the program. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signal?: AbortSignal;
}

/** Commands by name. Only the called command is loaded; help loads all. */
export interface Program {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly examples: readonly string[];
  readonly commands: Readonly<Record<string, () => Promise<Command | Group>>>;
}

const examplesText = (examples: readonly string[]): string =>
  examples.length === 0 ? "" : `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`;

const configOption = () => new Option("--config <file>", "JSON file of options; flags override it");
/** Plug-ins are loaded before the options of a command are known, since they may add some: see `parse`. */
const pluginOption = () =>
  new Option(
    "--plugin <file>",
    "module that defines attacks, defences, noises, networks or data sets; repeatable",
  ).argParser((plugin: string, before: readonly string[] = []) => before.concat(plugin));
const jsonOption = () => new Option("--json", "print results as JSON, one object per line");

const typed = (values: Readonly<Record<string, unknown>>, fields: readonly Field[]) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const field = fields.find((one) => one.name === name);
      return [name, field === undefined ? value : parsedAs(value, field.schema)];
    }),
  );

/** Resolves options: flags override the file, which overrides defaults. Reports all problems at once. */
function resolve(
  cli: Commander,
  options: Command["options"],
  fields: readonly Field[],
  config: Config | undefined,
) {
  const flags: Record<string, unknown> = {};
  for (const option of cli.options) {
    const name = option.attributeName();
    if (cli.getOptionValueSource(name) !== "cli") continue;
    const field = fields.find(({ flag }) => flag === (option.long ?? "").replace("--no-", "--"));
    if (field !== undefined) flags[field.name] = cli.getOptionValue(name);
  }
  const { path = "", options: inFile = {} } = config ?? {};
  const values = typed(Object.assign({}, inFile, flags), fields);
  const names = Object.keys(inFile).filter((name) => !Object.hasOwn(flags, name));
  return parseOptions(options, values, namingOf(fields, { path, names }));
}

/** Printable lines. The one place where control characters from files and names are escaped, for all messages. */
const textOf = (lines: readonly string[]): string =>
  lines.map((line) => `${printable(line)}\n`).join("");

const contextOf = (
  io: Io,
  json: boolean,
  argv: readonly string[],
  exitWith: Context["exitWith"],
): Context => ({
  exitWith,
  stdout: io.stdout,
  stderr: io.stderr,
  json,
  print: (...lines) => void (json || io.stdout.write(textOf(lines))),
  emit: (result) => void (json && io.stdout.write(`${JSON.stringify(result)}\n`)),
  note: (...lines) => void io.stderr.write(textOf(lines)),
  signal: io.signal ?? new AbortController().signal,
  color: colors.createColors(io.stdout.isTTY === true && colors.isColorSupported),
  argv,
});

/** The first example, shown under a message about a missing argument. */
const exampleLines = ([example]: readonly string[]): readonly string[] =>
  example === undefined ? [] : [`  for example: ${example}`];

/** The name of a positional argument: `rows` of `rows...`. */
const nameOf = (positional: string): string => positional.replace(/\.\.\.$|\?$/, "");

/** One run of the program: what was typed, and where results go. */
interface Session {
  readonly io: Io;
  readonly argv: readonly string[];
  readonly config: Config | undefined;
  readonly exitWith: Context["exitWith"];
}

/** Declares a command to commander. Its action resolves the options and calls `run`. */
function declare(cli: Commander, spec: Command, session: Session) {
  const { io, argv, exitWith } = session;
  const { options: schema } = spec;
  const fields = fieldsOf(schema);
  const words = argv.slice(0, argv.indexOf(cli.name()) + 1).join(" ");
  cli.exitOverride((error) => {
    const [, flag] = /unknown option '([^']*)'/.exec(error.message) ?? [];
    if (error.code === "commander.unknownOption" && flag !== undefined)
      throw unknownFlag(flag, fields);
    if (error.code === "commander.missingArgument")
      throw new UsageError(
        [plainText(error), `  usage: ${words} ${cli.usage()}`, ...exampleLines(spec.examples)],
        { code: "missing-option" },
      );
    throw error;
  });
  cli.description(spec.summary);
  for (const name of spec.positionals) {
    const inner = name.endsWith("?") ? `[${name.slice(0, -1)}]` : `<${name}>`;
    cli.argument(inner, spec.argumentsHelp[nameOf(name)]);
  }
  for (const field of fields) for (const option of flagsOf(field)) cli.addOption(option);
  cli.addOption(configOption()).addOption(pluginOption()).addOption(jsonOption());
  cli.addHelpText("after", examplesText(spec.examples));
  cli.action(async () => {
    const options = resolve(cli, schema, fields, session.config);
    const names = spec.positionals.map(nameOf);
    const positionals: Record<string, unknown> = Object.fromEntries(
      names.map((name, i) => [name, cli.processedArgs[i]]),
    );
    const json = cli.getOptionValue("json") === true;
    const values: Record<string, unknown> = { ...positionals, ...options };
    await refuseOverlaps(spec.files, { ...values, config: session.config?.path }, json);
    // If the result itself goes to standard output, messages about it go to standard error.
    const streams = Object.keys(spec.files.outputs).some((name) => isStdout(String(values[name])));
    const context = contextOf(io, json, argv, exitWith);
    await spec.run(values, streams ? { ...context, print: context.note } : context);
  });
}

/** Runs the typed command. Resolves to the exit code that the command set, 0 by default. */
async function parse(program: Program, argv: readonly string[], io: Io): Promise<number> {
  let code = 0;
  const config = await configIn(argv);
  await loadPlugins(config, argv);
  const exitWith = (asked: number) => {
    code = asked;
  };
  const quiet = (cli: Commander) =>
    cli
      .exitOverride()
      .configureOutput({
        writeOut: (text) => void io.stdout.write(text),
        writeErr: () => undefined,
        getOutHelpWidth: () => io.stdout.columns ?? 100,
      })
      .helpCommand(false);
  const root = quiet(new Commander(program.name)).description(program.summary);
  root.version(program.version, "--version").addHelpText("after", examplesText(program.examples));
  const session: Session = { io, argv: [program.name, ...argv], config, exitWith };
  const [called = "--help"] = argv;
  const all = called === "--help" || called === "-h";
  for (const [name, load] of Object.entries(program.commands)) {
    const cli = quiet(root.command(name));
    if (!all && called !== name) continue;
    // Help also lists commands that this machine cannot load, for example without a binary of the runtime.
    const loaded = await (all ? load().catch(() => null) : load());
    if (loaded === null) {
      cli.description(`(cannot be loaded on this machine; see ${program.name} doctor)`);
      continue;
    }
    if (!("commands" in loaded)) {
      declare(cli, loaded, session);
      continue;
    }
    cli.description(loaded.summary);
    const words = Object.keys(loaded.commands);
    for (const [word, inner] of Object.entries(loaded.commands))
      declare(quiet(cli.command(word)), inner, session);
    cli.argument("[action]").action((action?: string) => {
      const meant = nearest(action ?? "", words);
      const what =
        action === undefined ? `${name} needs an action` : `unknown command ${name} ${action}`;
      throw new UsageError(
        `${what}${meant === undefined ? "" : `; did you mean ${meant}?`} (${words.join(", ")})`,
        { code: action === undefined ? "missing-option" : "unknown-option" },
      );
    });
  }
  if (argv.length === 0) root.outputHelp();
  else await root.parseAsync([...argv], { from: "user" });
  return code;
}

/** The stack of an error as lines. The message stays one line even if it holds line breaks. */
function stackLines(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [String(error)];
  const { stack, message } = error;
  const at = stack.indexOf(message);
  if (at < 0) return stack.split("\n");
  const [rest, ...frames] = stack.slice(at + message.length).split("\n");
  return [stack.slice(0, at) + message + rest, ...frames];
}

/**
 * Runs the program with the words typed after its name. Returns the exit code: 0 done, 1 a bug of ours, 2 an error that the
 * user can fix, 3 done but below a required value, 130 interrupted. Under `--json` an error is also the last line of stdout:
 * `{"error": {"message", "code", "errorCode"}}`, with the exit code and the stable code of docs/errors.md.
 */
export async function run(program: Program, argv: readonly string[], io: Io): Promise<number> {
  const fail = (error: unknown, message: string, lines: readonly string[], code: number) => {
    io.stderr.write(textOf(lines));
    if (argv.includes("--json"))
      io.stdout.write(
        `${JSON.stringify({ error: { message, code, errorCode: errorCodeOf(error) } })}\n`,
      );
    return code;
  };
  try {
    const [first, ...rest] = argv;
    const code = await parse(program, first === "help" ? [...rest, "--help"] : argv, io);
    return io.signal?.aborted ? 130 : code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (io.signal?.aborted && (error as Error).name === "AbortError") return 130;
    const lines = usageLines(error);
    if (lines !== undefined) return fail(error, lines.join("\n"), lines, 2);
    const note = `this is a bug in ${program.name} ${program.version}; please report it with the command and the lines above`;
    const bug = messageOf(error);
    return fail(error, bug, [...stackLines(error), note], 1);
  }
}
