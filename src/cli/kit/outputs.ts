// Refuses commands whose outputs would overwrite their inputs, before they run.

import type { Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { partsOf } from "../../data/data-name.ts";
import { findDataset } from "../../data/table.ts";
import { externalLocations } from "../../engine/onnx/model.ts";
import { readBytes } from "../../files/read/node.ts";
import { isStdout, writeStream, writing } from "../../files/write/node.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Context } from "./command.ts";
import type { FilesOfCommand, OutputKind } from "./command-files.ts";

/** A path that the command reads. */
interface Input {
  /** As typed. */
  readonly typed: string;
  readonly path: string;
  /** Whether it is a folder in which any new file would change the input. */
  readonly isData: boolean;
}

/** Files of a run directory that training continues from. */
const RUN_FILES = ["config.json", "metrics.jsonl", "checkpoints"];

const stem = (rows: string): string => rows.replace(/\.jsonl(\.gz)?$/, "");
const besideRows = (rows: string): string[] => [
  `${stem(rows)}.settings.json`,
  `${stem(rows)}.examples.npz`,
];

/** Files that are read along with a named one. */
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
      const dataset = typed.includes(":") ? findDataset(typed) : undefined;
      const isPath = dataset?.path !== undefined;
      // Without a prefix such as `folder:`, the text names a data set, not a file.
      if (name === "data" && !isPath) return [];
      const path = isPath ? partsOf(dataset, typed).path : typed;
      const one = (where: string): Input => ({
        typed,
        path: where,
        isData: dataset?.path === "folder",
      });
      return [path, ...besideInput(path)].map(one);
    }),
  );
}

const statIfThere = (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined);

/** The real path of a file that may not exist: the nearest existing folder is resolved, the rest is appended. */
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

/** Whether writing `target` would change `input`. */
async function harms(target: string, input: Input): Promise<boolean> {
  const source = await statIfThere(input.path);
  if (source === undefined) return false;
  const found = await statIfThere(target);
  if (found !== undefined && found.dev === source.dev && found.ino === source.ino) return true;
  const [to, from] = [await realOf(target), await realOf(input.path)];
  if (found?.isDirectory() && isWithin(from, to)) return true;
  if (!source.isDirectory()) return false;
  if (input.isData) return isWithin(to, from);
  return RUN_FILES.some((name) => isWithin(to, join(from, name)));
}

/** The external data files of an ONNX model, if `target` could be one of them. They always lie in the model's folder. */
async function arraysOf(input: Input, target: string): Promise<string[]> {
  const folder = dirname(await realOf(input.path));
  if (!/\.onnx$/.test(input.path) || !isWithin(await realOf(target), folder)) return [];
  if ((await statIfThere(target)) === undefined) return [];
  try {
    return externalLocations(await readBytes(input.path)).map((name) => join(folder, name));
  } catch {
    return []; // the command itself reports what is wrong with the model
  }
}

function refuseStdout(flag: string, path: string, kind: OutputKind, json: boolean): void {
  if (!isStdout(path)) return;
  if (kind !== "stream")
    throw new UsageError(
      `${flag} is ${path}, but this command writes several files; name a ${kind === "rows" ? "file" : "folder"}`,
      { code: "bad-option" },
    );
  if (json)
    throw new UsageError(
      `${flag} ${path} and --json both write to standard output; give ${flag} a file, or leave --json out`,
      { code: "bad-option" },
    );
}

/** Throws `UsageError` if an output is, holds or lies in an input, whatever links or relative paths name them. */
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
              { code: "bad-option" },
            );
      }
  }
}

/** Writes a result to `path`: a file at once, a device or pipe as a stream, `-` to standard output. */
export async function writeOutput(
  { stdout, signal }: Pick<Context, "stdout" | "signal">,
  path: string,
  contents: Uint8Array | string,
): Promise<void> {
  // Streams of Node also take bytes; the outputs of tests take only text.
  if (isStdout(path)) (stdout as { write(part: string | Uint8Array): unknown }).write(contents);
  else await writing(path, writeStream(path, contents, signal));
}
