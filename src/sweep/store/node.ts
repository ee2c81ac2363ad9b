// A store in a folder of this machine or of a network file system.

import { randomUUID } from "node:crypto";
import { constants, copyFile, link, lstat, open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { nodeLeases } from "../../files/lease/node.ts";
import { makeFolder, orMissing, PARTIAL, syncFolder, writeWhole } from "../../files/node.ts";
import { readBytesIfThere } from "../../files/read/node.ts";
import { reasonOf } from "../../files/reasons.ts";
import { nodeStorage } from "../../files/storage/node.ts";
import { UsageError } from "../../math/usage-error.ts";
import { STORE_FILE } from "./format.ts";
import { attemptFolder, cellFolder, type Store, StoreAway } from "./store.ts";

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | undefined)?.code;

/** Creates a file atomically and exclusively, and waits until it is on disk. */
async function createWhole(path: string, contents: Uint8Array | string): Promise<boolean> {
  if ((await orMissing(lstat(path), null)) !== null) return false;
  await makeFolder(dirname(path));
  const partial = `${path}-${randomUUID()}${PARTIAL}`;
  try {
    const file = await open(partial, "wx");
    try {
      await file.writeFile(contents);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(partial, path).catch(async (error) => {
      if (codeOf(error) === "EEXIST") throw error;
      // Without hard links, use an exclusive copy. Its only drawback is that a reader may see a partial file.
      await copyFile(partial, path, constants.COPYFILE_EXCL);
    });
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(partial, { force: true }).catch(() => undefined);
  }
}

/** Errors of the file system after which a retry may succeed. */
const AWAY: ReadonlySet<unknown> = new Set([
  "EROFS",
  "ENOSPC",
  "EDQUOT",
  "EIO",
  "ESTALE",
  "EACCES",
  "EPERM",
  "ETIMEDOUT",
  "EHOSTDOWN",
  "ENOTCONN",
  "ENODEV",
  "EBUSY",
  "ENFILE",
  "EMFILE",
]);

/** The error of the file system behind an error, which may have been rephrased for users. */
function fileError(error: unknown): unknown {
  const own = codeOf(error);
  return typeof own === "string" && /^E[A-Z]+$/.test(own)
    ? error
    : ((error as Error | undefined)?.cause ?? error);
}

/** A store in the folder `path`. Throws `StoreAway` while the folder is unavailable. */
export function nodeStore(path: string): Store {
  const pathOf = (name: string): string => join(path, name);
  const using = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      const cause = fileError(error);
      if (!AWAY.has(codeOf(cause))) throw error;
      throw new StoreAway(path, reasonOf(cause) ?? String(codeOf(cause)), error);
    }
  };
  /** Throws if the folder is missing. Otherwise files for an unmounted disk would go to its mount point. */
  const mounted = async (name: string): Promise<void> => {
    if (name === STORE_FILE) return;
    if ((await orMissing(stat(pathOf(STORE_FILE)), null)) === null)
      throw new StoreAway(path, `${STORE_FILE} is missing; is its disk mounted?`);
  };
  const store: Store = {
    path,
    read: (name) => using(() => readBytesIfThere(pathOf(name))),
    create: (name, contents) =>
      using(async () => {
        await mounted(name);
        return createWhole(pathOf(name), contents);
      }),
    write: (name, contents) =>
      using(async () => {
        await mounted(name);
        await writeWhole(pathOf(name), contents);
      }),
    list: (folder) =>
      using(async () => {
        await mounted(folder);
        const names = await orMissing(readdir(pathOf(folder)), []);
        return names.filter((name) => !name.endsWith(PARTIAL));
      }),
    remove: (name) => using(() => rm(pathOf(name), { force: true, recursive: true })),
    leases(cell) {
      const folder = pathOf(cellFolder(cell));
      const leases = nodeLeases(join(folder, "lease"));
      return {
        attempts: () => using(() => leases.attempts()),
        create: (attempt, contents) =>
          using(async () => {
            await mounted(cell);
            await makeFolder(folder);
            return leases.create(attempt, contents);
          }),
        read: (attempt) => using(() => leases.read(attempt)),
        remove: (attempt) => using(() => leases.remove(attempt)),
      };
    },
    attempt: (cell, number) => {
      const folder = pathOf(attemptFolder(cell, number));
      return nodeStorage(`${folder}/`, folder);
    },
  };
  return store;
}

/** Throws `UsageError` unless a folder is empty or does not exist, as required for a new store. */
export async function refuseOtherFolder(path: string): Promise<void> {
  const found = await orMissing(stat(path), null);
  if (found === null) return;
  if (!found.isDirectory())
    throw new UsageError(`--store ${path} is a file; give a folder`, { code: "bad-option" });
  const names = await readdir(path);
  if (names.length > 0 && !names.includes(STORE_FILE))
    throw new UsageError(
      `--store ${path} holds other files (${names.slice(0, 3).join(", ")}); choose an empty folder`,
      { code: "in-use" },
    );
}
