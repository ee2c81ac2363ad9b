import { UsageError } from "../math/usage-error.ts";
import type { DataFiles } from "./data-files.ts";

/** Where a named data set may lie, and how its files may be called. */
export interface Place {
  /** As on the command line: `cifar10`. */
  readonly name: string;
  /** Folder names, ours first, then the official archive's own. */
  readonly folders: readonly string[];
  /** Its files, each by its possible names. */
  readonly files: readonly (readonly string[])[];
}

/** A file that was found. */
export interface Found {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const help = (name: string) =>
  `run rampart data fetch ${name}, or give the folder that holds ${name}/ as --data-dir or RAMPART_DATA`;

const candidates = ({ folders }: Place, from: DataFiles): string[] =>
  from.roots.flatMap((root) => folders.map((folder) => `${root}/${folder}`));

/** The first folder that holds at least one of the files; undefined if none does. */
export async function lookFor(place: Place, from: DataFiles): Promise<string | undefined> {
  for (const folder of candidates(place, from)) {
    const names = new Set(await from.list(folder));
    if (place.files.flat().some((file) => names.has(file))) return folder;
  }
  return undefined;
}

/** `lookFor`, failing with the places it looked in. */
export async function findFolder(place: Place, from: DataFiles): Promise<string> {
  const folder = await lookFor(place, from);
  if (folder !== undefined) return folder;
  throw new UsageError(
    `${place.name} is not on this machine: looked in ${candidates(place, from).join(", ")}`,
    { code: "not-found", next: help(place.name) },
  );
}

/** The file of that folder that has one of `names`. */
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
