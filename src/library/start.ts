import type { Runtime } from "../engine/runtime/runtime.ts";
import { UsageError } from "../math/usage-error.ts";
import { has } from "./checks.ts";

/** Gives the runtime that a caller passed as `device`, or starts one on the device of that name. Throws `UsageError`. */
export type StartRuntime = (device: unknown, threads: unknown) => Promise<Runtime>;

/** The runtime that a caller passed as `device`. Throws a `UsageError` (`missing-option`) for anything else. */
export const givenRuntime: StartRuntime = async (device) => {
  if (has(device, "compile")) return device as Runtime;
  const problem = device === undefined ? "missing" : JSON.stringify(device);
  throw new UsageError(
    `device is ${problem}; give a runtime: await nodeRuntime() of rampart/node, or await webRuntime() of rampart/web`,
    { code: "missing-option" },
  );
};
