// Downloads official data sets into the folder where data sets are looked for.
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../files/node.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { DownloadSource } from "../download-source.ts";
import { type FetchEvent, fetchSource } from "../fetch.ts";
import { codeOf, ifExists, md5, type NodeDataOptions, nodeDataFiles } from "../node.ts";
import { type DownloadRecord, RECORD } from "../record.ts";
import { sourceOf } from "../sources.ts";

/** Errors of the file system that the user can fix by choosing another folder. */
const unwritable = ["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTDIR", "EEXIST"];

/** Moves files into `folder`: all at once if it is new, otherwise one by one, but never a part of a file. */
async function moveInto(root: string, folder: string, files: ReadonlyMap<string, Uint8Array>) {
  const temporary = join(root, `.fetch-${process.pid}`);
  try {
    await makeFolder(temporary);
    for (const [name, bytes] of files)
      await writeFile(join(temporary, name), bytes, { flush: true });
    const isNew = (await ifExists(folder, () => stat(folder))) === undefined;
    if (isNew) await rename(temporary, folder);
    else for (const name of files.keys()) await rename(join(temporary, name), join(folder, name));
  } catch (cause) {
    if (!unwritable.includes(codeOf(cause))) throw cause;
    throw new UsageError(
      `${folder} cannot be written (${codeOf(cause)}); choose another place with --data-dir`,
      { code: "cannot-write", cause },
    );
  } finally {
    // The first error matters more than one about the leftovers.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** What `fetchDataset` takes. */
export interface NodeFetchOptions extends NodeDataOptions {
  /** A mirror that replaces the official address; ends in a slash. */
  readonly address?: string;
  /** Downloads that replace the official ones. */
  readonly source?: DownloadSource;
  readonly signal?: AbortSignal;
}

/**
 * Downloads an official data set into the first folder where data sets are looked for, and yields progress. Writes nothing
 * before every checksum has been verified.
 */
export async function* fetchDataset(
  name: string,
  { address, signal, source: given, dataDir }: NodeFetchOptions = {},
): AsyncGenerator<FetchEvent, void> {
  const source = given ?? sourceOf(name);
  // A --data-dir that does not exist yet is created.
  const [root] = dataDir ? [dataDir] : nodeDataFiles().roots;
  const files = yield* fetchSource(source, { md5, address, signal });
  const sums = Object.fromEntries([...files].map(([file, bytes]) => [file, md5(bytes)]));
  const record: DownloadRecord = { address: address ?? source.address, files: sums };
  const json = new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`);
  await moveInto(root, join(root, name), new Map([...files, [RECORD, json]]));
  yield { event: "done", path: join(root, name), files: [...files.keys()] };
}
