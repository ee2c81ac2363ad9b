// Writing of files: whole or not at all, and never over what is no file.

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

/** A killed process may leave files of this ending; nobody reads them. */
export const PARTIAL = ".partial";

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** The value of a promise, or `otherwise` where a file does not exist. */
export const orMissing = <T>(value: Promise<T>, otherwise: T): Promise<T> =>
  value.catch((error) => {
    if (codeOf(error) === "ENOENT") return otherwise;
    throw error;
  });

/** What `action` gives; what the user can put right about a file becomes a UsageError that names it. */
export const writing = <T>(file: string, action: Promise<T>): Promise<T> =>
  action.catch((cause) => {
    const reason = reasonOf(cause);
    throw reason === undefined
      ? cause
      : new UsageError(`cannot write ${file}: ${reason}`, { code: "cannot-write", cause });
  });

/** Waits until the folder's list of names is on the disk; some systems cannot, and need not. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

/**
 * Makes a folder and those above it. Node's own `recursive` never ends where a file system refuses new names with
 * ENOENT, as /proc does, and says "no such file" of a parent that is read-only.
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
      if (codeOf(error) !== "EEXIST") throw error; // another process made it meanwhile
    });
}

/** Links that are followed one after another; Linux gives up after as many. */
const MAX_LINKS = 40;

/** Where a path leads, and what stands there; null where nothing does. A link that leads nowhere names what it would be. */
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

/** A file that nobody wrote to for so long was left by a process that was killed. */
const STALE_MILLISECONDS = 3_600_000;

/** A name beside `path` that no other process and no other write of this one has. */
const partialOf = (path: string): string => `${path}.${randomBytes(4).toString("hex")}${PARTIAL}`;

const isPartialOf = (name: string, target: string): boolean =>
  name.startsWith(target) && /^(\.[0-9a-f]{8})?\.partial$/.test(name.slice(target.length));

/**
 * Removes what killed processes left of this file. Ages are differences of two times of the same file system, so this
 * machine's clock does not matter. Where a file cannot be removed it stays: nobody reads it.
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
 * Writes beside the file, waits until that is on the disk, then puts it in the file's place. Of two that write the same
 * file at once, the contents of one are there in the end, whole. A symbolic link stays and the file that it leads to is
 * replaced; what is no regular file is refused.
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

/** Whether a path names this process's standard output. */
export const isStdout = (path: string): boolean =>
  ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].includes(path);

/** Time that a pipe may be without a reader. */
const PIPE_SECONDS = 30;

/** The descriptor of a named pipe, once somebody reads from it. */
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
 * Writes one stream of bytes to whatever stands at `target`: a file is replaced whole, a device or a named pipe is
 * written into. A socket and a folder are refused.
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
