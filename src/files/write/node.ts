// Writes files whole or not at all, and never over anything but a regular file.

import { randomBytes } from "node:crypto";
import { constants, open as openDescriptor, type Stats } from "node:fs";
import { lstat, mkdir, open, readdir, readlink, rename, rm, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { UsageError } from "../../math/usage-error.ts";
import { kindOf } from "../read/node.ts";
import { reasonOf } from "../reasons.ts";

/** Extension of files that are being written. A killed process may leave some behind; they are never read. */
export const PARTIAL = ".partial";

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** The value of a promise; `otherwise` if it rejects because a file does not exist. */
export const orMissing = <T>(value: Promise<T>, otherwise: T): Promise<T> =>
  value.catch((error) => {
    if (codeOf(error) === "ENOENT") return otherwise;
    throw error;
  });

/** Awaits `action`; turns errors of the file system that a user can fix into a UsageError that names the file. */
export const writing = <T>(file: string, action: Promise<T>): Promise<T> =>
  action.catch((cause) => {
    const reason = reasonOf(cause);
    throw reason === undefined
      ? cause
      : new UsageError(`cannot write ${file}: ${reason}`, { code: "cannot-write", cause });
  });

/** Waits until a folder's entries are on the disk, on systems that can. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

/**
 * Creates a folder and its parents. Node's own `recursive` never ends on a file system that refuses new names with ENOENT,
 * such as /proc, and reports "no such file" for a read-only parent.
 */
export async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  let at = resolve(path);
  for (;;) {
    const found = await orMissing(stat(at), undefined);
    if (found?.isDirectory()) break;
    if (found !== undefined || dirname(at) === at) {
      const error = new Error(`${at} is a file`);
      throw Object.assign(error, { code: "EEXIST", syscall: "mkdir", path: at });
    }
    missing.push(at);
    at = dirname(at);
  }
  for (const folder of missing.reverse())
    await mkdir(folder).catch((error) => {
      if (codeOf(error) !== "EEXIST") throw error; // another process has just created it
    });
}

/** Longest chain of symbolic links that is followed, as in Linux. */
const MAX_LINKS = 40;

/** Follows symbolic links: the final path, which need not exist, and what is there; null if nothing is. */
export async function placeOf(
  path: string,
): Promise<{ readonly path: string; readonly found: Stats | null }> {
  let at = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const found = await orMissing(lstat(at), null);
    if (!found?.isSymbolicLink()) return { path: at, found };
    at = resolve(dirname(at), await readlink(at));
  }
  const error = new Error(`${path} leads in a circle`);
  throw Object.assign(error, { code: "ELOOP", syscall: "stat", path });
}

/** Age at which a partial file counts as left behind by a killed process. */
const STALE_MILLISECONDS = 3_600_000;

/** A unique name beside `path` for its contents while they are written. */
const partialOf = (path: string): string => `${path}.${randomBytes(4).toString("hex")}${PARTIAL}`;

const isPartialOf = (name: string, target: string): boolean =>
  name.startsWith(target) && /^(\.[0-9a-f]{8})?\.partial$/.test(name.slice(target.length));

/**
 * Removes partial files of this file that killed processes left behind. Ages are differences of times of one file system, so
 * this machine's clock does not matter. Files that cannot be removed stay; they are never read.
 */
async function removeStale(path: string, now: number): Promise<void> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => isPartialOf(one, basename(path)))) {
    const found = await lstat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && now - found.mtimeMs > STALE_MILLISECONDS)
      await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

/**
 * Writes a file beside `target`, waits until it is on the disk, and renames it to `target`. If two processes write the same
 * file at once, it ends with the whole contents of one. A symbolic link stays, and the file that it points to is replaced.
 * Throws a UsageError if something other than a regular file is there.
 */
export const writeWhole = (target: string, contents: Uint8Array | string): Promise<void> =>
  writing(target, replace(target, contents));

async function replace(target: string, contents: Uint8Array | string): Promise<void> {
  const { path, found } = await placeOf(target);
  const kind = found === null ? undefined : kindOf(found);
  if (kind !== undefined)
    throw new UsageError(`cannot write ${target}: it is ${kind}; choose another name`, {
      code: "cannot-write",
    });
  const partial = partialOf(path);
  await makeFolder(dirname(path));
  try {
    const file = await open(partial, "wx", found === null ? 0o666 : found.mode & 0o777);
    try {
      await file.writeFile(contents);
      await file.sync();
      await removeStale(path, (await file.stat()).mtimeMs);
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
  await syncFolder(dirname(path));
}

/** Whether a path means this process's standard output. */
export const isStdout = (path: string): boolean =>
  ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].includes(path);

/** Seconds to wait for a reader of a named pipe. */
const PIPE_SECONDS = 30;

/** Opens a named pipe once it has a reader. */
async function openPipe(path: string, signal: AbortSignal | undefined): Promise<number> {
  for (let left = 20 * PIPE_SECONDS; ; left--) {
    signal?.throwIfAborted();
    try {
      return await promisify(openDescriptor)(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (codeOf(error) !== "ENXIO") throw error;
      if (left === 0)
        throw new UsageError(`cannot write ${path}: nobody reads from this pipe`, {
          code: "cannot-write",
        });
    }
    await sleep(50);
  }
}

const intoPipe = (fd: number, contents: Uint8Array | string): Promise<void> =>
  new Promise((done, failed) => {
    const pipe = new Socket({ fd, readable: false, writable: true });
    pipe.on("error", failed);
    pipe.end(contents, () => done());
  });

/**
 * Writes to `target`: a file is replaced whole, a device or a named pipe is written into. Throws a UsageError for a socket or
 * a folder.
 */
export async function writeStream(
  target: string,
  contents: Uint8Array | string,
  signal?: AbortSignal,
): Promise<void> {
  const { path, found } = await writing(target, placeOf(target));
  if (found?.isFIFO()) {
    const pipe = await writing(target, openPipe(path, signal));
    await writing(target, intoPipe(pipe, contents));
    return;
  }
  if (!found?.isCharacterDevice()) return writeWhole(target, contents);
  const device = await writing(target, open(path, constants.O_WRONLY));
  try {
    await writing(target, device.writeFile(contents));
  } finally {
    await device.close();
  }
}
