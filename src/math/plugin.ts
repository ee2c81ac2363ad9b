// Errors of code that somebody else wrote: definitions of a plug-in, or values that a caller made.
import { messageOf } from "./message-of.ts";
import { elementCount, type Shape, type Tensor } from "./tensor.ts";
import { UsageError } from "./usage-error.ts";

/** A definition as messages name it: `attack "mine"`. */
export interface PluginDefinition {
  readonly type: string;
  readonly name: string;
}

const files = new WeakMap<object, string>();

/** Remembers the file that a definition was loaded from, for messages. */
export const rememberFile = (definition: PluginDefinition, file: string): void => {
  files.set(definition, file);
};

/** The file that a definition was loaded from; undefined for a value of the calling program. */
export const fileOf = (definition: PluginDefinition): string | undefined => files.get(definition);

const plugins: string[] = [];
const checksums = new Set<string>();

/** SHA-256 of the files of all plug-ins that were loaded, sorted. What they import is not included. */
export const pluginChecksums = (): readonly string[] => [...checksums].sort();

/** Remembers a plug-in that was loaded, as it was named (a path or a package), and the SHA-256 of its file. */
export const rememberPlugin = (plugin: string, sha256: string): void => {
  checksums.add(sha256);
  if (!plugins.includes(plugin)) plugins.push(plugin);
};

/** The plug-ins that were loaded, in order, for records and for commands that repeat a run. */
export const loadedPlugins = (): readonly string[] => [...plugins];

/** Forgets the plug-ins. For tests, which share one process. */
export function forgetPlugins(): void {
  plugins.splice(0);
  checksums.clear();
}

/** The same for a record that leaves the field out if there are none. */
export const recordedPlugins = (): readonly string[] | undefined =>
  plugins.length === 0 ? undefined : loadedPlugins();

/** `attack mine of ./mine.mjs`, or without a file `attack mine`. */
export function whichPlugin(definition: PluginDefinition): string {
  const file = fileOf(definition);
  return `${definition.type} ${definition.name}${file === undefined ? "" : ` of ${file}`}`;
}

/** Errors that name the definition which they are about. */
const attributed = new WeakSet<UsageError>();

/** The error for a definition that breaks its contract; `problem` continues "attack mine …". */
export function badPlugin(
  definition: PluginDefinition,
  problem: string,
  cause?: unknown,
): UsageError {
  const error = new UsageError(`${whichPlugin(definition)} ${problem}`, {
    code: "bad-plugin",
    cause,
  });
  attributed.add(error);
  return error;
}

/**
 * An exception of a definition as an error that names the definition and its function `call`. A `UsageError` keeps its code and
 * its message; any other exception becomes `bad-plugin`. An error that names a definition already stays as it is.
 */
function foreignError(definition: PluginDefinition, call: string, error: unknown): UsageError {
  if (!(error instanceof UsageError))
    return badPlugin(definition, `threw in ${call}: ${messageOf(error)}`, error);
  if (attributed.has(error)) return error;
  const [first, ...rest] = error.lines;
  const lines = [`${whichPlugin(definition)}, in ${call}: ${first}`].concat(rest);
  const named = new UsageError(lines, { code: error.code, cause: error });
  attributed.add(named);
  return named;
}

/** Runs a function of a definition. Whatever it throws becomes a `UsageError` that names the definition. */
export function callPlugin<T>(definition: PluginDefinition, call: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw foreignError(definition, call, error);
  }
}

/** `callPlugin` for a function that returns a promise. `passes` tells errors that are ours, which are thrown as they are. */
export async function awaitPlugin<T>(
  definition: PluginDefinition,
  call: string,
  run: () => T | PromiseLike<T>,
  passes: (error: unknown) => boolean = () => false,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw passes(error) ? error : foreignError(definition, call, error);
  }
}

const listed = (shape: Shape): string => `[${shape.join(", ")}]`;

const described = (value: unknown): string => {
  const { dtype, shape } = (value ?? {}) as Partial<Tensor>;
  if (!Array.isArray(shape)) return typeof value;
  return dtype === undefined
    ? `${listed(shape)} without a dtype (make it with tensor(shape, data))`
    : `${dtype} ${listed(shape)}`;
};

/**
 * A result of a definition, checked to be a float32 tensor of `shape` without NaN; `call` is the function that returned it.
 * Throws `UsageError` with the code `bad-plugin`.
 */
export function requireResult(
  definition: PluginDefinition,
  call: string,
  value: unknown,
  shape: Shape,
): Tensor {
  const { dtype, shape: given, data } = (value ?? {}) as Partial<Tensor>;
  const fits =
    dtype === "float32" &&
    data instanceof Float32Array &&
    data.length === elementCount(shape) &&
    given?.join() === shape.join();
  if (!fits)
    throw badPlugin(
      definition,
      `returned ${described(value)} from ${call}, and must return float32 ${listed(shape)}`,
    );
  const at = data.findIndex(Number.isNaN);
  if (at >= 0)
    throw badPlugin(definition, `returned NaN from ${call}, at element ${at} of ${listed(shape)}`);
  return value as Tensor;
}
