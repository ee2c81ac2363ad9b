import { UsageError } from "../math/usage-error.ts";
import type { Download, DownloadSource } from "./download-source.ts";
import { gunzipped } from "./gunzip.ts";
import { readTar } from "./tar.ts";

/** Progress of a download. */
export type FetchEvent =
  /** Bytes of one download so far; the total is null if the server does not state it. */
  | {
      readonly event: "progress";
      readonly file: string;
      readonly bytes: number;
      readonly total: number | null;
    }
  /** The checksum of a download is right. */
  | { readonly event: "verified"; readonly file: string; readonly md5: string }
  /** All files are in the folder `path`. */
  | { readonly event: "done"; readonly path: string; readonly files: readonly string[] };

/** What `fetchSource` takes. */
export interface FetchOptions {
  /** A mirror that replaces the official address; ends in a slash. */
  readonly address?: string;
  readonly signal?: AbortSignal;
  /** MD5 in hexadecimal. */
  readonly md5: (bytes: Uint8Array) => string;
}

const byHand = (file: string) => `try again later, or download ${file} yourself`;

/** Message of the innermost cause: Node hides "ECONNREFUSED" or a TLS failure behind "fetch failed". */
function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}

/** Downloads one file into memory. Throws a UsageError unless the signal was aborted. */
async function* download(
  url: string,
  file: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FetchEvent, Uint8Array> {
  const parts: Uint8Array[] = [];
  let [bytes, total]: [number, number | null] = [0, null];
  try {
    const response = await fetch(url, signal === undefined ? {} : { signal });
    if (!response.ok || response.body === null)
      throw new UsageError(
        `${url} answered ${response.status} ${response.statusText}; ${byHand(file)}`,
        { code: "unavailable" },
      );
    const length = response.headers.get("content-length");
    total = length === null ? null : Number(length);
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      bytes += part.value.length;
      yield { event: "progress", file, bytes, total };
    }
  } catch (error) {
    if (error instanceof UsageError || signal?.aborted) throw error;
    const after = bytes === 0 ? "" : ` after ${bytes} of ${total ?? "unknown"} bytes`;
    throw new UsageError(`${url} failed${after}: ${rootMessage(error)}; ${byHand(file)}`, {
      code: "unavailable",
      cause: error,
    });
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The files of a download that are kept, each with its name. */
async function unpacked(url: string, { file, unpack }: Download, bytes: Uint8Array) {
  if (unpack === undefined) return [[file, bytes]] as const;
  const files = readTar(url, await gunzipped(url, bytes));
  return unpack.files.map((name) => {
    const contents = files.get(`${unpack.folder}/${name}`);
    if (contents === undefined)
      throw new UsageError(`${url} holds no ${unpack.folder}/${name}`, { code: "bad-file" });
    return [name, contents] as const;
  });
}

/** Downloads, verifies and unpacks a data set in memory, so that no unverified file reaches the disk. Returns the files by name. */
export async function* fetchSource(
  { address: official, downloads }: DownloadSource,
  { address = official, signal, md5 }: FetchOptions,
): AsyncGenerator<FetchEvent, ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const source of downloads) {
    const { file } = source;
    const url = `${address}${file}`;
    const bytes = yield* download(url, file, signal);
    const found = md5(bytes);
    if (found !== source.md5)
      throw new UsageError(
        `${url} (${bytes.length} bytes) has MD5 ${found} instead of ${source.md5}, so it is not the official file; nothing was kept, ${byHand(file)}`,
        { code: "bad-file" },
      );
    yield { event: "verified", file, md5: found };
    for (const [name, contents] of await unpacked(url, source, bytes)) files.set(name, contents);
  }
  return files;
}
