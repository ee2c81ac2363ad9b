// Loads plug-ins: modules whose exports are definitions.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { rememberPlugin } from "../math/plugin.ts";
import { UsageError } from "../math/usage-error.ts";
import { defineFunctions } from "./registries.ts";
import { packageEntry } from "./resolve-package.ts";
import { addDefinition, isDefinition } from "./use.ts";

const fail = (plugin: string, problem: string, cause?: unknown): UsageError =>
  new UsageError(`plug-in ${plugin} ${problem}`, { code: "bad-plugin", cause });

/** Whether the words name a file rather than a package. */
const isPath = (plugin: string): boolean =>
  /^\.{0,2}[\\/]/.test(plugin) || isAbsolute(plugin) || /\.[cm]?[jt]s$/.test(plugin);

/** The module of an installed package, looked for in the working directory and the folders above it. */
function packageFile(plugin: string): string {
  const [, name = plugin, rest = ""] = /^(@[^/]+\/[^/]+|[^@/][^/]*)(\/.+)?$/.exec(plugin) ?? [];
  let folder = process.cwd();
  for (;;) {
    const root = join(folder, "node_modules", name);
    if (existsSync(join(root, "package.json"))) {
      const entry = packageEntry(readFileSync(join(root, "package.json"), "utf8"), `.${rest}`);
      if (entry !== undefined) return join(root, entry);
      throw fail(plugin, "exports no module for import; write the path of a file in it");
    }
    if (dirname(folder) === folder) break;
    folder = dirname(folder);
  }
  throw fail(
    plugin,
    `is not an installed package; install it with npm, or write ./${plugin} for a file in ${process.cwd()}`,
  );
}

/** A plug-in named in a file elsewhere: `path` if it is a file, or the name of a package as it is. */
export const pluginAt = (plugin: string, path: string): string =>
  isPath(plugin) || existsSync(resolve(path)) ? path : plugin;

/** The file of a plug-in; a path is relative to the working directory. */
function fileOfPlugin(plugin: string): string {
  if (plugin === "") throw fail('""', "has no name; write --plugin ./mine.mjs");
  const isFile = isPath(plugin) || existsSync(resolve(plugin));
  const file = isFile ? resolve(plugin) : packageFile(plugin);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined)
    throw fail(plugin, `does not exist: there is no file ${file}; check the path`);
  if (found.isDirectory())
    throw fail(plugin, "is a folder; write the path of a JavaScript module in it");
  return file;
}

/**
 * Where a module has a syntax error, such as ` in line 3`; empty if that is not known. An error of `import` does not say, so a
 * second process checks the file.
 */
function lineOf(file: string): string {
  const { stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8" });
  const [, line] = /^\S.*:(\d+)\n/.exec(stderr ?? "") ?? [];
  return line === undefined ? "" : ` in line ${line}`;
}

/** The error of a module that cannot be imported. */
function importError(plugin: string, file: string, error: unknown): UsageError {
  if (error instanceof UsageError) return fail(plugin, `is wrong: ${error.message}`, error);
  if (!(error instanceof Error)) return fail(plugin, `threw on import: ${String(error)}`, error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ERR_UNKNOWN_FILE_EXTENSION")
    return fail(plugin, "is not a JavaScript module; compile it to .mjs or .js", error);
  if (code === "ERR_MODULE_NOT_FOUND")
    return fail(
      plugin,
      `imports what is not there: ${error.message}; install it beside the plug-in, or correct the import`,
      error,
    );
  if (error instanceof SyntaxError)
    return fail(plugin, `cannot be parsed${lineOf(file)}: ${error.message}; correct it`, error);
  return fail(plugin, `threw on import: ${error.message}; correct it`, error);
}

/** Definitions in an export: the value itself, or those in a list. */
const definitionsIn = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/** Throws `bad-plugin` for an export whose `type` is not a kind of definition, or that lacks a name. */
function requireKind(plugin: string, name: string, value: unknown): void {
  const { type } = (value ?? {}) as { readonly type?: unknown };
  if (typeof type !== "string" || isDefinition(value)) return;
  throw fail(
    plugin,
    `exports ${name} of type ${JSON.stringify(type)}, which is not a definition; export the result of ${defineFunctions()}`,
  );
}

/**
 * Imports a module and adds the definitions that it exports to their tables. `plugin` is the path of a file, relative to the
 * working directory, or the name of an installed package. Other exports are ignored. Throws `UsageError` with the code
 * `bad-plugin`, which names the plug-in.
 */
export async function loadPlugin(plugin: string): Promise<void> {
  const file = fileOfPlugin(plugin);
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await import(/* @vite-ignore */ pathToFileURL(file).href);
  } catch (error) {
    throw importError(plugin, file, error);
  }
  let count = 0;
  for (const [name, value] of Object.entries(exported))
    for (const one of definitionsIn(value)) {
      requireKind(plugin, name, one);
      if (!isDefinition(one)) continue;
      addDefinition(one, plugin);
      count++;
    }
  if (count > 0)
    return rememberPlugin(plugin, createHash("sha256").update(readFileSync(file)).digest("hex"));
  const names = Object.keys(exported).join(", ");
  throw fail(
    plugin,
    `exports no definition (${names === "" ? "it exports nothing" : `its exports are ${names}`}); export the result of ${defineFunctions()}`,
  );
}
