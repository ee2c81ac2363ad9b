// The library's storage on IndexedDB.
import { type Storage, UsageError } from "../../index.ts";
import { changing, reading } from "./database.ts";

const bytesOf = (contents: Uint8Array | string): Uint8Array =>
  typeof contents === "string" ? new TextEncoder().encode(contents) : contents.slice();

/** Two arrays of bytes one after the other. */
function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/** All keys that begin with a text. */
const startingWith = (prefix: string): IDBKeyRange => IDBKeyRange.bound(prefix, `${prefix}\uffff`);

/** Takes a lock that other tabs see; null if one of them has it. The result gives it back. */
async function lock(name: string): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    void navigator.locks.request(name, { ifAvailable: true }, (held) => {
      if (held === null) {
        resolve(null);
        return undefined;
      }
      return new Promise<void>((giveBack) => resolve(() => giveBack()));
    });
  });
}

/** Files in the browser's database, below `path`. They survive a reload; another tab that writes them is refused. */
export function pageStorage(path: string): Storage {
  const keyOf = (name: string) => `${path}/${name}`;
  const readIfThere = async (name: string): Promise<Uint8Array | null> => {
    const found: unknown = await reading("files", (files) => files.get(keyOf(name)));
    return found instanceof Uint8Array ? found : null;
  };
  return {
    path,
    pathOf: keyOf,
    readIfThere,
    async list(folder) {
      const prefix = folder === "" ? `${path}/` : `${path}/${folder}/`;
      const keys = await reading("files", (files) => files.getAllKeys(startingWith(prefix)));
      return keys
        .map((key) => String(key).slice(prefix.length))
        .filter((key) => !key.includes("/"));
    },
    async read(name) {
      const found = await readIfThere(name);
      if (found !== null) return found;
      throw new UsageError(`${keyOf(name)}: there is no such file`, { code: "not-found" });
    },
    write: (name, contents) =>
      changing("files", (files) => void files.put(bytesOf(contents), keyOf(name))),
    append: (name, text) =>
      changing("files", (files) => {
        const request = files.get(keyOf(name));
        request.onsuccess = () => {
          const before = request.result instanceof Uint8Array ? request.result : new Uint8Array();
          files.put(joined(before, bytesOf(text)), keyOf(name));
        };
      }),
    remove: (name) => changing("files", (files) => void files.delete(keyOf(name))),
    async truncate(name, bytes) {
      const contents = (await readIfThere(name)) ?? new Uint8Array();
      await changing("files", (files) => void files.put(contents.slice(0, bytes), keyOf(name)));
    },
    async lease(name, { owned, remedy }) {
      const release = await lock(keyOf(name));
      if (release === null)
        throw new UsageError(`${owned} is in use by another tab`, {
          code: "in-use",
          next: `close that tab, or ${remedy}`,
        });
      return {
        attempt: 1,
        isHeld: async () => true,
        check: async () => undefined,
        release: async () => release(),
      };
    },
  };
}

/** Removes all files below a path. */
export const clearStorage = (path: string): Promise<void> =>
  changing("files", (files) => void files.delete(startingWith(`${path}/`)));
