// Writing files whole, and facts about this package and machine that are stored beside results.

import { readFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";

export { makeFolder, orMissing, PARTIAL, writeWhole, writing } from "./write/node.ts";

/** The version of this package. */
export const version: string = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
).version;

/** This machine, as recorded beside results; memory in bytes. */
export const machine = () => ({
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memory: totalmem(),
  system: `${platform()} ${arch()}`,
  node: process.version,
});
