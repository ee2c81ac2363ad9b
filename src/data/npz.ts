import { type UnzipFileInfo, unzipSync, zipSync } from "fflate";
import { otherKind } from "../files/kind.ts";
import { crc32 } from "../math/crc32.ts";
import { messageOf } from "../math/message-of.ts";
import { UsageError } from "../math/usage-error.ts";
import { type Npy, type NpyData, npyBytes, parseNpy } from "./npy.ts";
import { type ZipEntry, zipEntries } from "./zip.ts";

/** Largest number of arrays in a file. */
const MAX_ARRAYS = 1000;
/** Largest unpacked size of a small file, in bytes. */
const MAX_BYTES = 2 ** 28;
/** Largest compression ratio of a larger file. */
const MAX_RATIO = 32;

/**
 * A filter for the entries of a zip file's directory that throws a UsageError for a zip bomb, before anything is unpacked.
 * `stored` is the size of the file in bytes.
 */
function refuseBombs(path: string, stored: number): (entry: UnzipFileInfo) => boolean {
  const limit = Math.max(MAX_BYTES, MAX_RATIO * stored);
  const names = new Set<string>();
  let [packed, unpacked] = [0, 0];
  const refuse = (what: string) => {
    throw new UsageError(
      `${path} (${stored} bytes) ${what}; it is damaged, or was made to exhaust this machine, so write it again with numpy.savez`,
      { code: "bad-file" },
    );
  };
  return ({ name, size, originalSize }) => {
    if (names.has(name)) refuse(`holds two arrays ${JSON.stringify(name.slice(0, 60))}`);
    names.add(name);
    packed += size;
    unpacked += originalSize;
    if (names.size > MAX_ARRAYS) refuse(`holds more than ${MAX_ARRAYS} arrays`);
    if (packed > stored) refuse(`states that its arrays take ${packed} bytes of it`);
    if (unpacked > limit)
      refuse(`unpacks to ${unpacked} bytes or more, where ${limit} are allowed`);
    return true;
  };
}

/** Compares the unpacked arrays with the directory of the file, by name and CRC-32. */
function requireUndamaged(
  path: string,
  bytes: Uint8Array,
  unpacked: Readonly<Record<string, Uint8Array>>,
): void {
  const refuse = (why: string, cause?: unknown): never => {
    throw new UsageError(
      `${path} (${bytes.length} bytes) is damaged: ${why}; write it again with numpy.savez, or copy it anew`,
      { code: "bad-file", cause },
    );
  };
  let stated: readonly ZipEntry[] = [];
  try {
    stated = zipEntries(bytes);
  } catch (cause) {
    if (cause instanceof RangeError) refuse("its directory leads out of the file", cause);
    refuse(messageOf(cause), cause);
  }
  const contents = new Map(Object.entries(unpacked));
  if (stated.length !== contents.size) refuse("its directory names other arrays than it holds");
  for (const { name, crc } of stated) {
    const array = contents.get(name);
    if (array === undefined || crc32(array) !== crc)
      refuse(`the CRC-32 of ${name} does not match its contents`);
  }
}

/** Parses an .npz file into arrays by name. Throws a UsageError that calls the file `path`. */
export function parseNpz(path: string, bytes: Uint8Array): ReadonlyMap<string, Npy> {
  let entries: Readonly<Record<string, Uint8Array>>;
  try {
    entries = unzipSync(bytes, { filter: refuseBombs(path, bytes.length) });
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(
      otherKind(path, bytes, "an .npz file of arrays", ["npz", "zip"]) ??
        `${path} (${bytes.length} bytes) is not an .npz file, or is truncated; write it with numpy.savez`,
      { code: "bad-file", cause },
    );
  }
  requireUndamaged(path, bytes, entries);
  return new Map(
    Object.entries(entries).map(([file, array]) => {
      const name = file.replace(/\.npy$/, "");
      return [name, parseNpy(`${path}: ${name}`, array)];
    }),
  );
}

/** Time stamp of every entry, fixed so that equal arrays give equal files. */
const TIME = new Date(1980, 0, 1, 12);

/** An array to be written. */
export interface NamedArray {
  readonly data: NpyData;
  readonly shape: readonly number[];
}

/** Encodes arrays as an .npz file that numpy.load reads; level 0 does not compress, which is ten times faster than level 1. */
export const npzBytes = (
  arrays: Readonly<Record<string, NamedArray>>,
  level: 0 | 1 = 1,
): Uint8Array =>
  zipSync(
    Object.fromEntries(
      Object.entries(arrays).map(([name, { data, shape }]) => [
        `${name}.npy`,
        npyBytes(data, shape),
      ]),
    ),
    { level, mtime: TIME },
  );
