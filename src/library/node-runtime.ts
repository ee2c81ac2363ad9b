import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { defined } from "../math/defined.ts";
import { has, runtimeOptions } from "./checks.ts";

/** The runtime that was given, or one on the device of that name. */
export async function runtimeOn(device: unknown, threads: unknown): Promise<Runtime> {
  if (has(device, "compile")) return device as Runtime;
  return nodeRuntime(runtimeOptions(defined({ device, threads })));
}
