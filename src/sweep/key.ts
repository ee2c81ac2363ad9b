// Keys of cells: equal for equal work, on any machine.
import type { Host } from "../files/host/host.ts";
import { pluginChecksums } from "../math/plugin.ts";
import { RESULTS_VERSION } from "./results-version.ts";

/** JSON with the properties of every object in alphabetical order, without undefined properties. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => canonicalJson(one ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonicalJson(inner)}`).join(",")}}`;
}

/** SHA-256 of a value's canonical JSON: 64 hexadecimal digits. */
export const keyOfValue = (value: unknown, { sha256 }: Pick<Host, "sha256">): Promise<string> =>
  sha256([new TextEncoder().encode(canonicalJson(value))]);

/** The plug-ins that results depend on, in the form of `CellWork`; undefined without plug-ins. */
export function codeOfPlugins(): readonly string[] | undefined {
  const sums = pluginChecksums();
  return sums.length === 0 ? undefined : sums;
}

/** The version of the code whose results a store holds; a worker with another version is rejected. */
export const codeVersion = (): string => RESULTS_VERSION;
