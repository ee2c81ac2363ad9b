// Plans in a store: the cells for workers.
import type { RuntimeTarget } from "../engine/runtime/runtime.ts";
import type { Host } from "../files/host/host.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Cell } from "./cell.ts";
import { keyOfValue } from "./key.ts";
import type { Store } from "./store/store.ts";

/** An expanded plan in a store. */
export interface StoredPlan {
  readonly name: string;
  /** The version of the code that computes its cells. */
  readonly code: string;
  readonly target: RuntimeTarget;
  readonly retries: number;
  readonly backOff: number;
  /** Plug-ins that its cells need, as absolute paths or names of packages. */
  readonly plugins: readonly string[];
  /** The folder that paths of its cells are relative to; absent if they are absolute. */
  readonly folder?: string | undefined;
  readonly cells: readonly Cell[];
}

const PLANS = "plans";

/** Adds a plan to a store, once. Returns its identity. */
export async function addPlan(
  store: Store,
  plan: StoredPlan,
  host: Pick<Host, "sha256">,
): Promise<string> {
  const id = (await keyOfValue(plan, host)).slice(0, 16);
  await store.create(`${PLANS}/${id}.json`, `${JSON.stringify(plan)}\n`);
  return id;
}

/** Identities of the plans in a store. */
export async function planNames(store: Store): Promise<string[]> {
  const names = await store.list(PLANS);
  return names
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -5))
    .sort();
}

/** Reads a plan. Throws `UsageError` if it is missing or damaged. */
export async function readPlan(store: Store, id: string): Promise<StoredPlan> {
  const path = `${PLANS}/${id}.json`;
  const bytes = await store.read(path);
  if (bytes === null)
    throw new UsageError(`${store.path}/${path} no longer exists`, { code: "not-found" });
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as StoredPlan;
  } catch (cause) {
    throw new UsageError(`${store.path}/${path} is damaged: it is not JSON`, {
      code: "bad-file",
      cause,
      next: "remove it, and start the sweep again with its plan",
    });
  }
}

/** All plans of a store. */
export async function readPlans(store: Store): Promise<StoredPlan[]> {
  const plans: StoredPlan[] = [];
  for (const id of await planNames(store)) plans.push(await readPlan(store, id));
  return plans;
}
