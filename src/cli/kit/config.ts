// The file of --config: options as JSON, and the plug-ins that define some of them.
import { dirname, isAbsolute, join, relative } from "node:path";
import { readText } from "../../files/read/node.ts";
import { messageOf } from "../../math/message-of.ts";
import { UsageError } from "../../math/usage-error.ts";
import { loadPlugin, pluginAt } from "../../plugins/node.ts";

/** A file of options. */
export interface Config {
  readonly path: string;
  /** Options by their names in camelCase, without `plugin`. Numbers may be strings such as "8/255". */
  readonly options: Readonly<Record<string, unknown>>;
  /** Plug-ins, relative to the working directory. */
  readonly plugins: readonly string[];
}

/** The values of a flag in the words of a command line: `--plugin FILE` or `--plugin=FILE`, any number of times. */
export function valuesOfFlag(flag: string, argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  const words = end < 0 ? argv : argv.slice(0, end);
  return words.flatMap((word, i) => {
    if (word.startsWith(`${flag}=`)) return [word.slice(flag.length + 1)];
    return word === flag && i + 1 < words.length ? [words[i + 1]] : [];
  });
}

const bad = (message: string): UsageError => new UsageError(message, { code: "bad-file" });

/** The plug-ins that a file of options names; paths are relative to the file. */
function pluginsOf(path: string, value: unknown): string[] {
  const names = value === undefined ? [] : [value].flat();
  return names.map((name) => {
    if (typeof name !== "string" || name === "")
      throw bad(
        `plugin in ${path} is ${JSON.stringify(value)}, but it must be a path or a package's name, or a list of them: "plugin": "./mine.mjs"`,
      );
    const beside = isAbsolute(name) ? name : relative(process.cwd(), join(dirname(path), name));
    return pluginAt(name, /^\.{0,2}[\\/]/.test(beside) ? beside : `./${beside}`);
  });
}

/** The file of --config among the words of a command line; undefined without the flag. Throws `UsageError`. */
export async function configIn(argv: readonly string[]): Promise<Config | undefined> {
  const path = valuesOfFlag("--config", argv).at(-1);
  if (path === undefined) return undefined;
  const text = await readText(path);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw bad(`${path} is not JSON: ${messageOf(error)}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw bad(`${path} must hold one JSON object of options, such as { "seed": 1 }`);
  const { plugin, ...options } = parsed as Readonly<Record<string, unknown>>;
  return { path, options, plugins: pluginsOf(path, plugin) };
}

/** Loads the plug-ins of a file of options, then those of --plugin. Throws `UsageError` that names the plug-in. */
export async function loadPlugins(
  config: Config | undefined,
  argv: readonly string[],
): Promise<void> {
  for (const plugin of config?.plugins ?? []) await loadPlugin(plugin);
  for (const plugin of valuesOfFlag("--plugin", argv)) await loadPlugin(plugin);
}
