// What a command reads and what it writes must be different things; checked here for all commands, before any of them runs.

import type { Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { externalLocations } from "../../engine/onnx/model.ts";
import { readBytes } from "../../files/read/node.ts";
import { isStdout, writeStream, writing } from "../../files/write/node.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Context } from "./command.ts";

/** What an option names: one stream of bytes, rows with the files beside them, or a folder with files of these names. */
export type OutputKind = "stream" | "rows" | { readonly folder: readonly string[] };

/** What a command reads and writes, by the names of its options and positionals. */
export interface FilesOfCommand {
  readonly inputs: readonly string[];
  readonly outputs: Readonly<Record<string, OutputKind>>;
}

/** A path that the command reads. */
interface Input {
  /** As typed. */
  readonly typed: string;
  readonly path: string;
  /** Folders in which any new file changes what is read. */
  readonly isData: boolean;
}

/** What a run directory needs to go on. */
const RUN_FILES = ["config.json", "metrics.jsonl", "checkpoints"];

const stem = (rows: string): string => rows.replace(/\.jsonl(\.gz)?$/, "");
const besideRows = (rows: string): string[] => [
  `${stem(rows)}.settings.json`,
  `${stem(rows)}.examples.npz`,
];

/** Files that are read along with one that is named. */
const besideInput = (path: string): string[] => {
  if (/\.jsonl(\.gz)?$/.test(path)) return besideRows(path);
  if (!/\.onnx(\.gz)?$/.test(path)) return [];
  const folder = dirname(path);
  return [
    `${path}.json`,
    path.replace(/\.onnx(\.gz)?$/, ".json"),
    join(folder, "preprocessor_config.json"),
    join(folder, "config.json"),
  ];
};

function inputsOf(names: readonly string[], values: Readonly<Record<string, unknown>>): Input[] {
  return [...names, "config"].flatMap((name) =>
    [values[name]].flat().flatMap((typed): Input[] => {
      if (typeof typed !== "string" || typed === "") return [];
      const [, prefix, rest] = /^(folder|npz):(.*)$/s.exec(typed) ?? [];
      // Without a prefix a data set is a name.
      if (name === "data" && prefix === undefined) return [];
      const path = rest ?? typed;
      const one = (where: string): Input => ({
        typed,
        path: where,
        isData: prefix === "folder",
      });
      return [path, ...besideInput(path)].map(one);
    }),
  );
}

const there = (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined);

/** The real path of what may not be there yet: that of the nearest folder above it which is, and the rest. */
async function realOf(path: string): Promise<string> {
  const full = resolve(path);
  const found = await realpath(full).catch(() => undefined);
  if (found !== undefined || dirname(full) === full) return found ?? full;
  return join(await realOf(dirname(full)), basename(full));
}

const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

const targetsOf = (path: string, kind: OutputKind): string[] => {
  if (kind === "stream") return [path];
  if (kind === "rows") return [path, ...besideRows(path)];
  return kind.folder.map((name) => join(path, name));
};

/** Whether writing `target` would change what is read from `input`. */
async function harms(target: string, input: Input): Promise<boolean> {
  const source = await there(input.path);
  if (source === undefined) return false;
  const found = await there(target);
  if (found !== undefined && found.dev === source.dev && found.ino === source.ino) return true;
  const [to, from] = [await realOf(target), await realOf(input.path)];
  if (found?.isDirectory() && isWithin(from, to)) return true;
  if (!source.isDirectory()) return false;
  if (input.isData) return isWithin(to, from);
  return RUN_FILES.some((name) => isWithin(to, join(from, name)));
}

/** The files beside an ONNX model that its arrays lie in, if `target` could be one: they never leave its folder. */
async function arraysOf(input: Input, target: string): Promise<string[]> {
  const folder = dirname(await realOf(input.path));
  if (!/\.onnx$/.test(input.path) || !isWithin(await realOf(target), folder)) return [];
  if ((await there(target)) === undefined) return [];
  try {
    return externalLocations(await readBytes(input.path)).map((name) => join(folder, name));
  } catch {
    return []; // the command itself will say what is wrong with the model
  }
}

function refuseStdout(flag: string, path: string, kind: OutputKind, json: boolean): void {
  if (!isStdout(path)) return;
  if (kind !== "stream")
    throw new UsageError(
      `${flag} is ${path}, but this command writes several files; name a ${kind === "rows" ? "file" : "folder"}`,
    );
  if (json)
    throw new UsageError(
      `${flag} ${path} and --json both write to standard output; give ${flag} a file, or leave --json out`,
    );
}

/** Fails where an output is, holds or lies in something that the command reads, however the two are written. */
export async function refuseOverlaps(
  { inputs, outputs }: FilesOfCommand,
  values: Readonly<Record<string, unknown>>,
  json: boolean,
): Promise<void> {
  const read = inputsOf(inputs, values);
  for (const [name, kind] of Object.entries(outputs)) {
    const path = values[name];
    if (typeof path !== "string") continue;
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    refuseStdout(flag, path, kind, json);
    if (isStdout(path)) continue;
    for (const target of targetsOf(path, kind))
      for (const input of read) {
        const arrays = await arraysOf(input, target);
        const all = [input, ...arrays.map((array) => ({ ...input, path: array }))];
        for (const one of all)
          if (await harms(target, one))
            throw new UsageError(
              `${flag} ${path} would write ${target}, which is, holds or lies in ${one.path} that this command reads; choose another ${flag}`,
            );
      }
  }
}

/** Writes a command's result to where `--out` leads: a file whole, a device or pipe as a stream, `-` to standard output. */
export async function writeOutput(
  { stdout, signal }: Pick<Context, "stdout" | "signal">,
  path: string,
  contents: Uint8Array | string,
): Promise<void> {
  // Streams of Node take bytes, too; where a test collects text, a result that is bytes does not go.
  if (isStdout(path)) (stdout as { write(part: string | Uint8Array): unknown }).write(contents);
  else await writing(path, writeStream(path, contents, signal));
}
