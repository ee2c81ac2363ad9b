import type { OnNote } from "../../math/note.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { WorkLease } from "../lease/lease.ts";
import { memoryFiles, type RunFiles } from "../run/run-files.ts";

/** What a lease guards, and what happens while it is waited for. */
export interface StorageLease {
  /** The guarded file or folder, as messages call it. */
  readonly owned: string;
  /** Alternative to waiting: `choose another --out`. */
  readonly remedy: string;
  /** Receives a note if another owner has to be watched. */
  readonly note?: OnNote | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A place for results: a training run, the rows of an evaluation, or the files of an audit. Names are relative, with
 * forward slashes. `node.ts` keeps them in a folder and `memoryStorage` in memory; a page may bring its own, for
 * example on IndexedDB.
 */
export interface Storage extends RunFiles {
  /** A file as messages name it: `audit/rows.jsonl`. */
  pathOf(name: string): string;
  /** Contents of a file; null if it does not exist. */
  readIfThere(name: string): Promise<Uint8Array | null>;
  /** Keeps the first `bytes` bytes of a file. */
  truncate(name: string, bytes: number): Promise<void>;
  /** Takes the lease `name`. Throws a UsageError (`in-use`) while another writer holds it. */
  lease(name: string, work: StorageLease): Promise<WorkLease>;
}

/**
 * Storage in memory, for pages and tests. `path` stands before the names in messages.
 *
 * @example
 * ```ts
 * import { memoryStorage } from "rampart";
 *
 * const out = memoryStorage("run");
 * console.log(await out.list("")); // []; pass `out` to train, evaluate or audit
 * ```
 */
export function memoryStorage(path = "memory"): Storage {
  const files = memoryFiles(path);
  const leases = new Set<string>();
  const readIfThere: Storage["readIfThere"] = async (name) => {
    const at = name.lastIndexOf("/");
    const names = await files.list(at < 0 ? "" : name.slice(0, at));
    return names.includes(name.slice(at + 1)) ? files.read(name) : null;
  };
  return {
    ...files,
    pathOf: (name) => `${path}/${name}`,
    readIfThere,
    async truncate(name, bytes) {
      await files.write(name, (await files.read(name)).subarray(0, bytes));
    },
    async lease(name, { owned, remedy }) {
      if (leases.has(name))
        throw new UsageError(`${owned} is in use by another call`, {
          code: "in-use",
          next: `wait for it, or ${remedy}`,
        });
      leases.add(name);
      return {
        attempt: 1,
        isHeld: async () => leases.has(name),
        check: async () => undefined,
        release: async () => void leases.delete(name),
      };
    },
  };
}

/** A file as UTF-8, a byte order mark included; null if it does not exist. */
export async function textIfThere(storage: Storage, name: string): Promise<string | null> {
  const bytes = await storage.readIfThere(name);
  return bytes === null ? null : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
