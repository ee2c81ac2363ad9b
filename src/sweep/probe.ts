import { messageOf } from "../math/message-of.ts";
import type { Attempt } from "./attempts.ts";
import { type Store, StoreAway } from "./store/store.ts";

/** The number of bytes that a store must accept before a cell continues. A full disk still accepts empty files. */
const PROBE_BYTES = 65_536;

/**
 * Checks whether the files of an attempt can be written; rejects with `StoreAway` if not. The first check rejects with
 * `why`, the error of the last file, so that the error is reported before the next try.
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
