// A copy of a sweep's store for a repository: files of results are packed, and of unfinished cells only the newest state.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";

/** Sizes of a packed store, in bytes. */
export interface PackedStore {
  readonly results: number;
  /** By path within the store: files of unfinished cells. */
  readonly unfinished: Readonly<Record<string, number>>;
}

const LEVEL = { level: 9 } as const;

const filesBelow = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
    : [];

/** The place of a checkpoint in the order of training: `epoch-1-step-20` is after `epoch-1`. */
function progressOf(name: string): number {
  const [, epoch = "0", step = "0"] = /epoch-(\d+)(?:-step-(\d+))?\./.exec(name) ?? [];
  return Number(epoch) * 1e9 + Number(step);
}

/** The last attempt at a cell; null if it has none. */
function lastAttempt(cell: string): number | null {
  const numbers = readdirSync(cell).map((name) => Number(/^attempt-(\d+)$/.exec(name)?.[1] ?? 0));
  const last = Math.max(0, ...numbers);
  return last > 0 ? last : null;
}

/** The files that the next attempt at a cell goes on from; of its checkpoints only the newest. */
function stateOf(cell: string, attempt: number): string[] {
  const run = join(cell, `attempt-${attempt}`, "run");
  const all = filesBelow(run).filter((path) => !/(^|\/)lease\.\d+$/.test(relative(run, path)));
  const checkpoints = all.filter((path) => path.includes("/checkpoints/"));
  const newest = checkpoints.reduce<string | undefined>(
    (best, path) => (best !== undefined && progressOf(best) > progressOf(path) ? best : path),
    undefined,
  );
  return all.filter((path) => !checkpoints.includes(path) || path === newest);
}

/**
 * Copies the store in `from` to `to`, which may hold an older copy. Everything that a copy has stays: results never change.
 * States of unfinished cells are replaced, and left out where a file is longer than `limit` bytes after packing.
 */
export function packStore(from: string, to: string, limit = Number.POSITIVE_INFINITY): PackedStore {
  const copy = (path: string) => cpSync(path, join(to, relative(from, path)), { force: true });
  const pack = (path: string, bytes: Uint8Array): number => {
    const target = `${join(to, relative(from, path))}.gz`;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
    return bytes.length;
  };
  mkdirSync(to, { recursive: true });
  copy(join(from, "store.json"));
  for (const folder of ["plans", "results", "times"])
    for (const path of filesBelow(join(from, folder))) copy(path);
  let results = 0;
  for (const path of filesBelow(join(from, "files")))
    if (!existsSync(`${join(to, relative(from, path))}.gz`))
      results += pack(path, gzipSync(readFileSync(path), LEVEL));
  rmSync(join(to, "cells"), { recursive: true, force: true });
  const unfinished: Record<string, number> = {};
  const cells = join(from, "cells");
  for (const key of existsSync(cells) ? readdirSync(cells) : []) {
    const cell = join(cells, key);
    const attempt = lastAttempt(cell);
    if (attempt === null) continue;
    const packed = stateOf(cell, attempt).map((path) => {
      return { path, bytes: gzipSync(readFileSync(path), LEVEL) };
    });
    for (const { path, bytes } of packed) unfinished[relative(from, path)] = bytes.length;
    if (packed.length === 0 || packed.some(({ bytes }) => bytes.length > limit)) continue;
    for (const { path, bytes } of packed) pack(path, bytes);
    for (const name of [`lease.${attempt}`, `end.${attempt}.json`])
      if (existsSync(join(cell, name))) copy(join(cell, name));
  }
  return { results, unfinished };
}
