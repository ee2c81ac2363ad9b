// Reading of files that a user, or a file of a user's, names: anything may stand at such a path.

import { constants, type Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { UsageError } from "../../math/usage-error.ts";
import { reasonOf } from "../reasons.ts";

/** Bytes of text that people write: class names, preprocessing, options. */
export const MAX_TEXT = 2 ** 26;
/** Bytes of rows; a string of V8 has at most 2²⁹ characters. */
export const MAX_ROWS = 2 ** 29 - 2 ** 16;
/** Bytes of one encoded image. */
export const MAX_IMAGE = 2 ** 28;
/** Bytes of a model or of arrays. */
export const MAX_ARRAYS = 2 ** 32;

/** What `kindOf` asks of an entry of a file system. */
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

function requireFile(path: string, found: Stats, limit: number): void {
  const kind = kindOf(found);
  if (kind !== undefined)
    throw new UsageError(
      `${path} is ${kind}, and a file is needed${kind === "a folder" ? "" : "; copy its contents into a file first"}`,
      { code: "bad-file" },
    );
  if (found.size > limit) throw tooLarge(path, found.size, limit);
}

const tooLarge = (path: string, size: number, limit: number) =>
  new UsageError(
    `${path} has ${size} bytes or more, where at most ${limit} are read; is it the right file?`,
    { code: "bad-file" },
  );

const CHUNK = 2 ** 26;

/** Contents up to `limit` bytes; the file may grow while it is read, and files of /proc state a size of 0. */
async function contents(path: string, limit: number): Promise<Buffer<ArrayBuffer>> {
  // Before it is opened: opening a pipe waits for a writer, and opening a device may act on it.
  requireFile(path, await stat(path), limit);
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const found = await file.stat();
    requireFile(path, found, limit);
    let bytes = Buffer.allocUnsafeSlow(found.size);
    let length = 0;
    for (;;) {
      if (length === bytes.length) {
        const more = Buffer.allocUnsafe(2 ** 16);
        const { bytesRead } = await file.read(more, 0, more.length);
        if (bytesRead === 0) return bytes.subarray(0, length);
        if (length + bytesRead > limit) throw tooLarge(path, length + bytesRead, limit);
        const larger = Buffer.allocUnsafeSlow(Math.min(limit, 2 * length + more.length));
        larger.set(bytes.subarray(0, length));
        larger.set(more.subarray(0, bytesRead), length);
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

/** What `reading` gives; what the user can put right becomes a UsageError that names the path. */
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
 * The bytes of a regular file of at most `limit` bytes. A device, pipe, socket or folder, a circle of links and a file
 * that is larger are UsageErrors, and none of them is opened.
 */
export const readBytes = (path: string, limit = MAX_ARRAYS): Promise<Buffer<ArrayBuffer>> =>
  whileReading(path, contents(path, limit));

/** The same; null where there is no such file. */
export async function readBytesIfThere(
  path: string,
  limit = MAX_ARRAYS,
): Promise<Buffer<ArrayBuffer> | null> {
  try {
    return await contents(path, limit);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(String(codeOf(error)))) return null;
    return whileReading(path, Promise.reject(error));
  }
}

/** The text of a regular file in UTF-8, with the checks of `readBytes`. */
export const readText = async (path: string, limit = MAX_TEXT): Promise<string> =>
  (await readBytes(path, limit)).toString("utf8");

/** The same; null where there is no such file. */
export const readTextIfThere = async (path: string, limit = MAX_TEXT): Promise<string | null> =>
  (await readBytesIfThere(path, limit))?.toString("utf8") ?? null;
