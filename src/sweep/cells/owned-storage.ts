import { gunzipSync } from "fflate";
import type { Storage } from "../../files/storage/storage.ts";

/** A folder of an attempt as a separate storage. It needs no lease, since no other process works in it. */
export function ownedStorage(storage: Storage, folder: string): Storage {
  const within = (name: string): string => (name === "" ? folder : `${folder}/${name}`);
  return {
    path: storage.pathOf(folder),
    pathOf: (name) => storage.pathOf(within(name)),
    list: (inner) => storage.list(within(inner)),
    read: (name) => storage.read(within(name)),
    readIfThere: (name) => storage.readIfThere(within(name)),
    write: (name, contents) => storage.write(within(name), contents),
    append: (name, text) => storage.append(within(name), text),
    remove: (name) => storage.remove(within(name)),
    truncate: (name, bytes) => storage.truncate(within(name), bytes),
    lease: async () => ({
      attempt: 1,
      isHeld: async () => true,
      check: async () => undefined,
      release: async () => undefined,
    }),
  };
}

/** The folder of an attempt in which a cell works. */
export const RUN_FOLDER = "run";

/** The extension of a file that was compressed with gzip to be kept in a repository. */
const PACKED = ".gz";

/**
 * Copies the files of an attempt, so that the next attempt can continue from them. Packed files are unpacked, and files that
 * disappear during the copy are left out.
 */
export async function inherit(from: Storage, to: Storage): Promise<void> {
  for (const folder of ["", "checkpoints"]) {
    const path = folder === "" ? RUN_FOLDER : `${RUN_FOLDER}/${folder}`;
    for (const name of await from.list(path)) {
      if (name === "checkpoints") continue;
      const bytes = await from.readIfThere(`${path}/${name}`).catch(() => null);
      if (bytes === null) continue;
      if (!name.endsWith(PACKED)) await to.write(`${path}/${name}`, bytes);
      else await to.write(`${path}/${name.slice(0, -PACKED.length)}`, gunzipSync(bytes));
    }
  }
}
