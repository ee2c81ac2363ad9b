import { appendFile, rm } from "node:fs/promises";
import { leaseWork } from "../lease/node.ts";
import { writeWhole, writing } from "../node.ts";
import { MAX_TEXT, readBytesIfThere } from "../read/node.ts";
import { appendRows, readRowsBytes, truncateRows } from "../rows/node.ts";
import { nodeFiles } from "../run/node.ts";
import type { Storage } from "./storage.ts";

const isRows = (name: string): boolean => name.endsWith(".jsonl");

/**
 * Storage in a folder, which messages call `folder`. `prefix` is its path with the slash at the end, or empty for the working
 * directory. The folder is made with its first file. Rows (`.jsonl`) may be packed by gzip as `.jsonl.gz`.
 */
export function nodeStorage(
  prefix: string,
  folder = prefix === "" ? "." : prefix.replace(/(?<=.)[\\/]$/, ""),
): Storage {
  const pathOf = (name: string): string => `${prefix}${name}`;
  return {
    ...nodeFiles(folder),
    pathOf,
    readIfThere(name) {
      if (isRows(name)) return readRowsBytes(pathOf(name));
      return readBytesIfThere(pathOf(name), name.endsWith(".json") ? MAX_TEXT : undefined);
    },
    write: (name, contents) => writeWhole(pathOf(name), contents),
    append: (name, text) =>
      isRows(name)
        ? appendRows(pathOf(name), text)
        : writing(pathOf(name), appendFile(pathOf(name), text)),
    truncate: (name, bytes) => truncateRows(pathOf(name), bytes),
    remove: (name) => rm(pathOf(name), { force: true }),
    lease: (name, work) => leaseWork({ prefix: pathOf(name), ...work }),
  };
}

/** The storage of the folder that holds a file, and the file's name in it. Messages name the file as it was given. */
export function nodeStorageOf(path: string): { readonly storage: Storage; readonly name: string } {
  const at = path.search(/[^\\/]*$/);
  return { storage: nodeStorage(path.slice(0, at)), name: path.slice(at) };
}
