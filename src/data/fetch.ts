import { UsageError } from "../math/usage-error.ts";
import { gunzipped } from "./gunzip.ts";
import type { Download, Source } from "./sources.ts";
import { readTar } from "./tar.ts";

/** What happens while a data set is fetched. */
export type FetchEvent =
  /** Bytes of one download so far; the total is null where the server does not say. */
  | {
      readonly event: "progress";
      readonly file: string;
      readonly bytes: number;
      readonly total: number | null;
    }
  /** A download had the right checksum. */
  | { readonly event: "verified"; readonly file: string; readonly md5: string }
  /** Everything lies in the folder `path`. */
  | { readonly event: "done"; readonly path: string; readonly files: readonly string[] };

/** How downloads reach this machine. */
export interface FetchOptions {
  /** Replaces the official address; ends in a slash. */
  readonly address?: string;
  readonly signal?: AbortSignal;
  /** MD5 of these bytes, in hexadecimal. */
  readonly md5: (bytes: Uint8Array) => string;
}

const byHand = (file: string) => `try again later, or download ${file} yourself`;

/** Node hides the reason ("ECONNREFUSED", a TLS failure) in the cause of "fetch failed". */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reason(error.cause) : error.message;
}

async function* downloaded(
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
    throw new UsageError(`${url} failed${after}: ${reason(error)}; ${byHand(file)}`, {
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

async function kept(url: string, { file, unpack }: Download, bytes: Uint8Array) {
  if (unpack === undefined) return [[file, bytes]] as const;
  const files = readTar(url, await gunzipped(url, bytes));
  return unpack.files.map((name) => {
    const contents = files.get(`${unpack.folder}/${name}`);
    if (contents === undefined)
      throw new UsageError(`${url} holds no ${unpack.folder}/${name}`, { code: "bad-file" });
    return [name, contents] as const;
  });
}

/** Downloads, verifies and unpacks everything in memory, so that nothing unverified is ever put in place; returns the files by name. */
export async function* fetchSource(
  { address: official, downloads }: Source,
  { address = official, signal, md5 }: FetchOptions,
): AsyncGenerator<FetchEvent, ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const download of downloads) {
    const { file } = download;
    const url = `${address}${file}`;
    const bytes = yield* downloaded(url, file, signal);
    const found = md5(bytes);
    if (found !== download.md5)
      throw new UsageError(
        `${url} (${bytes.length} bytes) has MD5 ${found} instead of ${download.md5}, so it is not the official file; nothing was kept, ${byHand(file)}`,
        { code: "bad-file" },
      );
    yield { event: "verified", file, md5: found };
    for (const [name, contents] of await kept(url, download, bytes)) files.set(name, contents);
  }
  return files;
}
