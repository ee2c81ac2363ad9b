import { appendFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { orMissing, PARTIAL, writeWhole, writing } from "../node.ts";
import { readBytes } from "../read/node.ts";
import type { RunFiles } from "./run-files.ts";

/** Whether a file is a lease (`lock` in older versions) rather than a part of the run. */
const isLease = (name: string): boolean => /^(lease\.\d+|lock)$/.test(name);

/** The files of a run in a folder. The folder is created with the first file. Leases and partial files are not listed. */
export const nodeFiles = (path: string): RunFiles => ({
  path,
  list: async (folder) =>
    (await orMissing(readdir(join(path, folder)), [])).filter(
      (name) => !isLease(name) && !name.endsWith(PARTIAL),
    ),
  read: (name) => readBytes(join(path, name)),
  write: (name, contents) => writeWhole(`${path}/${name}`, contents),
  append: (name, text) => writing(`${path}/${name}`, appendFile(join(path, name), text)),
  remove: (name) => rm(join(path, name), { force: true }),
});
