import { lookUp } from "../math/look-up.ts";

/** Conditions of `exports` that an import in Node meets, in no order: the first key of the object that is one wins. */
const CONDITIONS = ["node", "import", "module-sync", "default"];

/** The path that an entry of `exports` leads to; undefined if it has none for an import. */
function targetOf(entry: unknown): string | undefined {
  if (typeof entry === "string") return entry;
  if (Array.isArray(entry)) return entry.map(targetOf).find((target) => target !== undefined);
  if (typeof entry !== "object" || entry === null) return undefined;
  for (const [condition, value] of Object.entries(entry))
    if (CONDITIONS.includes(condition)) {
      const target = targetOf(value);
      if (target !== undefined) return target;
    }
  return undefined;
}

/**
 * The module that an import of a package loads, relative to the package's folder, by the text of its package.json. `subpath` is
 * `.` or begins with `./`. Undefined if the package exports no such module. Patterns in `exports` are not followed.
 */
export function packageEntry(json: string, subpath: string): string | undefined {
  const { exports, main } = JSON.parse(json) as { exports?: unknown; main?: unknown };
  if (exports === undefined) {
    if (subpath !== ".") return subpath;
    return typeof main === "string" ? main : "index.js";
  }
  const isMap =
    typeof exports === "object" &&
    exports !== null &&
    Object.keys(exports).some((key) => key.startsWith("."));
  const entries = (isMap ? exports : { ".": exports }) as Readonly<Record<string, unknown>>;
  return targetOf(lookUp(entries, subpath));
}
