// What every long-running command does with files: written whole or not at all, and by one process at a time.

import { readFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";

export { makeFolder, orMissing, PARTIAL, writeWhole, writing } from "./write/node.ts";

/** The version of this package. */
export const version: string = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
).version;

/** What results were made on, to be stored beside them. */
export const machine = () => ({
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memory: totalmem(),
  system: `${platform()} ${arch()}`,
  node: process.version,
});
