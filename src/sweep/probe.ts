import { messageOf } from "../math/message-of.ts";
import type { Attempt } from "./attempts.ts";
import { type Store, StoreAway } from "./store/store.ts";

/** Bytes that a store must take before a cell goes on. A full disk takes empty files. */
const PROBE_BYTES = 65_536;

/**
 * Looks whether the files of an attempt can be written; rejects with `StoreAway` if not. The first look rejects with `why`, which
 * is what happened to the last file, so that it is told and a moment passes.
 */
export function probeOf({ files }: Attempt, { path }: Store, why: string): () => Promise<void> {
  let isFirst = true;
  return async () => {
    if (isFirst) {
      isFirst = false;
      throw new StoreAway(path, why);
    }
    try {
      await files.write("probe", new Uint8Array(PROBE_BYTES));
    } catch (error) {
      throw new StoreAway(path, messageOf(error), error);
    }
    await files.remove("probe");
  };
}
