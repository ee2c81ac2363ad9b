import { UsageError } from "../../math/usage-error.ts";
import type { Store } from "./store.ts";

/** The file that marks a folder as a store. */
export const STORE_FILE = "store.json";

/** The version of the names and contents in a store. */
export const STORE_FORMAT = 1;

/** Opens a store, or creates one with `create`. Throws `UsageError` for a folder that is not a store, or of another version. */
export async function openStore(
  store: Store,
  { create }: { readonly create: boolean },
): Promise<void> {
  let bytes = await store.read(STORE_FILE);
  if (bytes === null && create) {
    const contents = `${JSON.stringify({ kind: "rampart store", format: STORE_FORMAT })}\n`;
    await store.create(STORE_FILE, contents);
    bytes = await store.read(STORE_FILE);
  }
  if (bytes === null)
    throw new UsageError(`${store.path} is not a store: it has no ${STORE_FILE}`, {
      code: "not-found",
      next: "start a sweep there first: rampart sweep PLAN.json --store DIR",
    });
  const { kind, format } = parsed(store, bytes);
  if (kind !== "rampart store" || !Number.isInteger(format))
    throw new UsageError(`${store.path}/${STORE_FILE} is damaged, or from another program`, {
      code: "bad-file",
    });
  if (format !== STORE_FORMAT)
    throw new UsageError(
      `${store.path} is a store of format ${format}, and this version of rampart uses format ${STORE_FORMAT}`,
      { code: "misfit", next: "use the version of rampart that made it, or another --store" },
    );
}

function parsed({ path }: Store, bytes: Uint8Array): { kind?: unknown; format?: unknown } {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    throw new UsageError(`${path}/${STORE_FILE} is damaged: it is not JSON`, { code: "bad-file" });
  }
}
