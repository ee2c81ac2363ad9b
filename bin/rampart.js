#!/usr/bin/env node
// Loads the built command line. In a clone, installs and builds first where that is needed.

import { existsSync } from "node:fs";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`rampart needs Node 20.19 or newer, and this is Node ${process.versions.node}`);
  process.exit(2);
}

if (existsSync(new URL("../tsconfig.build.json", import.meta.url))) {
  const { installed } = await import("../scripts/installed.js");
  await installed();
  const { built } = await import("../scripts/built.js");
  await built();
}
const { main } = await import("../dist/cli/main.js");
process.exitCode = await main(process.argv.slice(2));
