// Reads files whose paths come from users or their files. Anything may be at such a path: a device, a pipe, a folder.

import { constants, type Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { UsageError } from "../../math/usage-error.ts";
import { reasonOf } from "../reasons.ts";

/** Largest text file that people write (class names, preprocessing, options), in bytes. */
export const MAX_TEXT = 2 ** 26;
/** Largest file of rows, in bytes; a V8 string has at most 2²⁹ characters. */
export const MAX_ROWS = 2 ** 29 - 2 ** 16;
/** Largest encoded image, in bytes. */
export const MAX_IMAGE = 2 ** 28;
/** Largest model or file of arrays, in bytes. */
export const MAX_ARRAYS = 2 ** 32;

/** Type of a file system entry, as in `Stats` and `Dirent`. */
export type EntryType = Pick<
  Stats,
  | "isFile"
  | "isDirectory"
  | "isFIFO"
  | "isSocket"
  | "isCharacterDevice"
  | "isBlockDevice"
  | "isSymbolicLink"
>;

/** Name of an entry that is not a regular file: `a folder`; undefined for a regular file. */
export function kindOf(found: EntryType): string | undefined {
  if (found.isFile()) return undefined;
  if (found.isDirectory()) return "a folder";
  if (found.isFIFO()) return "a named pipe";
  if (found.isSocket()) return "a socket";
  if (found.isSymbolicLink()) return "a symbolic link";
  if (found.isCharacterDevice() || found.isBlockDevice()) return "a device";
  return "not a regular file";
}

/** Throws a UsageError unless the entry is a regular file of at most `limit` bytes. */
function requireFile(path: string, found: Stats, limit: number): void {
  const kind = kindOf(found);
  if (kind !== undefined)
    throw new UsageError(
      `${path} is ${kind}, and a file is needed${found.isDirectory() ? "" : "; copy its contents into a file first"}`,
      { code: "bad-file" },
    );
  if (found.size > limit) throw tooLarge(path, found.size, limit);
}

const tooLarge = (path: string, size: number, limit: number) =>
  new UsageError(
    `${path} has ${size} bytes or more, but at most ${limit} are read; is it the right file?`,
    { code: "bad-file" },
  );

/** Bytes per read call. */
const CHUNK = 2 ** 26;

/** Reads up to `limit` bytes. The size is not trusted: a file may grow, and files in /proc state a size of 0. */
async function contentsOf(path: string, limit: number): Promise<Buffer<ArrayBuffer>> {
  // Checked before opening: opening a pipe waits for a writer, and opening a device may act on it.
  requireFile(path, await stat(path), limit);
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const found = await file.stat();
    requireFile(path, found, limit);
    let bytes = Buffer.allocUnsafeSlow(found.size);
    let length = 0;
    for (;;) {
      if (length === bytes.length) {
        const rest = Buffer.allocUnsafe(2 ** 16);
        const { bytesRead } = await file.read(rest, 0, rest.length);
        if (bytesRead === 0) return bytes.subarray(0, length);
        if (length + bytesRead > limit) throw tooLarge(path, length + bytesRead, limit);
        const larger = Buffer.allocUnsafeSlow(Math.min(limit, 2 * length + rest.length));
        larger.set(bytes.subarray(0, length));
        larger.set(rest.subarray(0, bytesRead), length);
        bytes = larger;
        length += bytesRead;
        continue;
      }
      const { bytesRead } = await file.read(bytes, length, Math.min(CHUNK, bytes.length - length));
      if (bytesRead === 0) return bytes.subarray(0, length);
      length += bytesRead;
    }
  } finally {
    await file.close();
  }
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | undefined)?.code;

/** Awaits `reading`; turns errors of the file system that a user can fix into a UsageError that names the path. */
export async function whileReading<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    const reason = reasonOf(cause);
    if (reason === undefined) throw cause;
    if (codeOf(cause) === "ENOENT")
      throw new UsageError(`${path}: ${reason}`, { code: "not-found", cause });
    throw new UsageError(`${path} cannot be read: ${reason}`, { code: "bad-file", cause });
  }
}

/**
 * Reads a regular file of at most `limit` bytes. Throws a UsageError for a larger file, a device, pipe, socket, folder or
 * circular link, none of which is opened.
 */
export const readBytes = (path: string, limit = MAX_ARRAYS): Promise<Buffer<ArrayBuffer>> =>
  whileReading(path, contentsOf(path, limit));

/** `readBytes`; null if the file does not exist. */
export async function readBytesIfThere(
  path: string,
  limit = MAX_ARRAYS,
): Promise<Buffer<ArrayBuffer> | null> {
  try {
    return await contentsOf(path, limit);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(String(codeOf(error)))) return null;
    return whileReading(path, Promise.reject(error));
  }
}

/** Reads a regular file as UTF-8, with the checks of `readBytes`. */
export const readText = async (path: string, limit = MAX_TEXT): Promise<string> =>
  (await readBytes(path, limit)).toString("utf8");

/** `readText`; null if the file does not exist. */
export const readTextIfThere = async (path: string, limit = MAX_TEXT): Promise<string | null> =>
  (await readBytesIfThere(path, limit))?.toString("utf8") ?? null;
