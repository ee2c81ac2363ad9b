// A user's requests to all workers of a store.
import type { Store } from "./store/store.ts";

/** Paused workers start no cells; draining workers end after their current cell. */
export type Asked = "run" | "pause" | "drain";

const PAUSE = "control/pause";
const DRAIN = "control/drain";

/** The latest request. */
export async function askedOf(store: Store): Promise<Asked> {
  const names = await store.list("control");
  if (names.includes("drain")) return "drain";
  return names.includes("pause") ? "pause" : "run";
}

/** Asks all workers of a store to pause, to drain, or to run again. */
export async function ask(store: Store, asked: Asked): Promise<void> {
  if (asked !== "drain") await store.remove(DRAIN);
  if (asked === "run") await store.remove(PAUSE);
  if (asked === "pause") await store.create(PAUSE, "");
  if (asked === "drain") await store.create(DRAIN, "");
}
