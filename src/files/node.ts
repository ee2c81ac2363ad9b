// Writing files whole, and facts about this package and machine that are stored beside results.

import { arch, cpus, platform, totalmem } from "node:os";

export { version } from "./version.ts";
export { makeFolder, orMissing, PARTIAL, syncFolder, writeWhole, writing } from "./write/node.ts";

/** This machine, as recorded beside results; memory in bytes. */
export const machine = () => ({
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memory: totalmem(),
  system: `${platform()} ${arch()}`,
  node: process.version,
});
