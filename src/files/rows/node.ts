// Files of rows, `ROWS.jsonl`, which may also be kept packed by gzip as `ROWS.jsonl.gz`.

import { appendFile, stat, truncate } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { UsageError } from "../../math/usage-error.ts";
import { orMissing, writeWhole, writing } from "../node.ts";
import { MAX_ROWS, readBytesIfThere } from "../read/node.ts";

const unpack = promisify(gunzip);

async function unpacked(path: string, bytes: Buffer): Promise<Buffer> {
  try {
    return await unpack(bytes, { maxOutputLength: MAX_ROWS });
  } catch (cause) {
    const tooLarge = (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    const why = tooLarge
      ? `unpacks to more than ${MAX_ROWS} bytes`
      : "is a truncated or damaged gzip file";
    throw new UsageError(`${path} ${why}; restore it, or unpack it yourself`, {
      code: "bad-file",
      cause,
    });
  }
}

/** Whether the bytes are a gzip file (RFC 1952). */
const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The unpacked bytes of the rows in `path` or, where there is no such file, in `path.gz`; null if neither exists. */
export async function readRowsBytes(path: string): Promise<Buffer | null> {
  for (const file of [path, `${path}.gz`]) {
    const bytes = await readBytesIfThere(file, MAX_ROWS);
    if (bytes !== null) return isGzip(bytes) ? unpacked(file, bytes) : bytes;
  }
  return null;
}

/** The text of `readRowsBytes`. */
export const readRowsText = async (path: string): Promise<string | null> =>
  (await readRowsBytes(path))?.toString("utf8") ?? null;

/** Writes `path` from `path.gz` where only the packed file exists, so that rows can be appended to it. */
async function unpackRows(path: string): Promise<void> {
  const exists = (await orMissing(stat(path), null)) !== null;
  const bytes = exists ? null : await readRowsBytes(path);
  if (bytes !== null) await writeWhole(path, bytes);
}

/** Appends whole lines to the rows in `path`, which are unpacked first where only `path.gz` exists. */
export async function appendRows(path: string, lines: string): Promise<void> {
  await unpackRows(path);
  await writing(path, appendFile(path, lines));
}

/** Keeps only the first `bytes` bytes of the unpacked rows in `path`. */
export async function truncateRows(path: string, bytes: number): Promise<void> {
  await unpackRows(path);
  await truncate(path, bytes);
}
