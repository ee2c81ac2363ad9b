import { UsageError } from "../math/usage-error.ts";
import type { DataFiles } from "./data-files.ts";

/** Folders and files that a named data set may be stored in. */
export interface Place {
  /** As on the command line: `cifar10`. */
  readonly name: string;
  /** Possible folder names: ours first, then that of the official archive. */
  readonly folders: readonly string[];
  /** Files, each as a list of its possible names. */
  readonly files: readonly (readonly string[])[];
}

/** Path and contents of a file. */
export interface Found {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Advice for a data set that is missing. */
const help = (name: string) =>
  `run rampart data fetch ${name}, or give the folder that holds ${name}/ as --data-dir or RAMPART_DATA`;

/** Every folder that the data set may be in, first to last. */
const candidates = ({ folders }: Place, from: DataFiles): string[] =>
  from.roots.flatMap((root) => folders.map((folder) => `${root}/${folder}`));

/** The first folder that contains at least one of the files; undefined if there is none. */
export async function lookFor(place: Place, from: DataFiles): Promise<string | undefined> {
  for (const folder of candidates(place, from)) {
    const names = new Set(await from.list(folder));
    if (place.files.flat().some((file) => names.has(file))) return folder;
  }
  return undefined;
}

/** `lookFor`; throws a UsageError with the searched folders if there is none. */
export async function findFolder(place: Place, from: DataFiles): Promise<string> {
  const folder = await lookFor(place, from);
  if (folder !== undefined) return folder;
  throw new UsageError(
    `${place.name} is not on this machine: looked in ${candidates(place, from).join(", ")}`,
    { code: "not-found", next: help(place.name) },
  );
}

/** The first file of a folder that has one of `names`; throws a UsageError if there is none. */
export async function findFile(
  { name }: Place,
  folder: string,
  names: readonly string[],
  from: DataFiles,
): Promise<Found> {
  for (const file of names) {
    const bytes = await from.read(`${folder}/${file}`);
    if (bytes !== undefined) return { path: `${folder}/${file}`, bytes };
  }
  throw new UsageError(`${folder}/${names[0]} is missing`, { code: "not-found", next: help(name) });
}
