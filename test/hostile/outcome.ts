import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** How one file ended. */
export interface Outcome {
  readonly index: number;
  /** What was damaged, and how. */
  readonly name: string;
  /** A bug is an error that is no `UsageError`; a crash, a hang and a flood of memory are what the parent saw. */
  readonly end: "logits" | "refused" | "bug" | "crash" | "hang" | "flood";
  readonly message: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Most memory that the process held while the file was open. */
  readonly bytes: number;
  /** Files that were read outside of the model's folder. */
  readonly outside: readonly string[];
}

/** From now on, the paths of all files whose contents are read through `node:fs` by name. */
export function watchReads(): string[] {
  const paths: string[] = [];
  const watched = <T extends object, K extends keyof T>(holder: T, name: K) => {
    const original = holder[name] as (...all: unknown[]) => unknown;
    holder[name] = ((...all: unknown[]) => {
      if (!String(all[0]).startsWith("/proc/")) paths.push(String(all[0]));
      return original.apply(holder, all);
    }) as T[K];
  };
  watched(fs.promises, "readFile");
  watched(fs.promises, "open");
  watched(fs, "readFileSync");
  watched(fs, "openSync");
  watched(fs, "createReadStream");
  syncBuiltinESMExports();
  return paths;
}
