// Committed results. A result is a manifest that names the files of a cell by their SHA-256. The first manifest wins.
import { gunzipSync } from "fflate";
import type { Host } from "../files/host/host.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Store } from "./store/store.ts";

/** The files of a cell's result by name. */
export interface Manifest {
  readonly key: string;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
}

/** When and where a result was computed. Stored beside results, because results are equal for all workers. */
export interface CellTimes {
  readonly owner: string;
  readonly attempt: number;
  /** ISO 8601, by the owner's clock. */
  readonly started: string;
  readonly ended: string;
  /** Seconds for the cell, on the owner's monotonic clock. */
  readonly seconds: number;
  /** Seconds of processor time, if known. */
  readonly processor?: number | undefined;
  /** Data that was left out of the result's files, by file: seconds of rows, machine, command. */
  readonly removed: Readonly<Record<string, unknown>>;
}

/** The outcome of a commit: first, or late with equal or with different bytes. */
export type Commit = "committed" | "same" | "different";

const RESULTS = "results";

const resultFile = (key: string): string => `${RESULTS}/${key}.json`;
const timesFile = (key: string): string => `times/${key}.json`;
const fileOf = (key: string, sha256: string, name: string): string =>
  `files/${key}/${sha256.slice(0, 16)}-${name}`;

const json = (bytes: Uint8Array | null): unknown =>
  bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes));

/** Keys of all committed cells. */
export async function committedKeys(store: Store): Promise<Set<string>> {
  const names = await store.list(RESULTS);
  return new Set(names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5)));
}

/** The manifest of a cell; null if it is not committed. */
export const manifestOf = async (store: Store, key: string): Promise<Manifest | null> =>
  json(await store.read(resultFile(key))) as Manifest | null;

/** When and where a result was computed; null if unknown. */
export const timesOf = async (store: Store, key: string): Promise<CellTimes | null> =>
  json(await store.read(timesFile(key))) as CellTimes | null;

/** The path in the store of a file of a result. */
export function storedFile({ key, files }: Manifest, name: string): string {
  const found = files[name];
  if (found === undefined)
    throw new UsageError(`the result of cell ${key} has no ${name}`, { code: "not-found" });
  return fileOf(key, found.sha256, name);
}

/** A file of a store, possibly compressed with gzip; null if it is missing. */
async function storedBytes(store: Store, path: string): Promise<Uint8Array | null> {
  const plain = await store.read(path);
  if (plain !== null) return plain;
  const packed = await store.read(`${path}.gz`);
  if (packed === null) return null;
  try {
    return gunzipSync(packed);
  } catch {
    // The checksum of the contents will not match.
    return packed;
  }
}

/** The bytes of a file of a result. Throws `UsageError` if they are missing or damaged. */
export async function readResult(
  store: Store,
  key: string,
  name: string,
  { sha256 }: Pick<Host, "sha256">,
): Promise<Uint8Array> {
  const manifest = await manifestOf(store, key);
  if (manifest === null)
    throw new UsageError(`cell ${key} has no result in ${store.path}`, { code: "not-found" });
  const path = storedFile(manifest, name);
  const bytes = await storedBytes(store, path);
  const damaged = bytes === null ? "is missing" : "is damaged: its checksum does not match";
  if (bytes === null || (await sha256([bytes])) !== manifest.files[name].sha256)
    throw new UsageError(`${store.path}/${path} ${damaged}`, {
      code: "bad-file",
      next: `remove ${store.path}/${resultFile(key)}, and run the sweep again`,
    });
  return bytes;
}

/** Commits the files of a cell. A late commit changes nothing; it is compared with the existing result. */
export async function commit(
  store: Store,
  key: string,
  {
    files,
    times,
    host,
  }: {
    readonly files: ReadonlyMap<string, Uint8Array>;
    readonly times: CellTimes;
    readonly host: Pick<Host, "sha256">;
  },
): Promise<Commit> {
  const stored: Record<string, { sha256: string; bytes: number }> = {};
  for (const name of [...files.keys()].sort()) {
    const bytes = files.get(name) ?? new Uint8Array();
    const sha256 = await host.sha256([bytes]);
    stored[name] = { sha256, bytes: bytes.length };
    await store.create(fileOf(key, sha256, name), bytes);
  }
  const manifest = `${JSON.stringify({ key, files: stored } satisfies Manifest)}\n`;
  if (await store.create(resultFile(key), manifest)) {
    await store.write(timesFile(key), `${JSON.stringify(times)}\n`);
    return "committed";
  }
  const before = await store.read(resultFile(key));
  return before !== null && new TextDecoder().decode(before) === manifest ? "same" : "different";
}

/** Removes the files of a late commit that differ from the result. */
export async function dropOtherFiles(store: Store, manifest: Manifest): Promise<void> {
  const kept = new Set(Object.keys(manifest.files).map((name) => storedFile(manifest, name)));
  for (const name of await store.list(`files/${manifest.key}`)) {
    const path = `files/${manifest.key}/${name}`;
    if (!kept.has(path)) await store.remove(path);
  }
}
