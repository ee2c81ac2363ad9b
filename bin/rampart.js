#!/usr/bin/env node
// Runs the built command line. In a clone, installs dependencies and builds first if needed.

import { existsSync } from "node:fs";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`rampart needs Node 20.19 or newer, and this is Node ${process.versions.node}`);
  process.exit(2);
}

if (existsSync(new URL("../tsconfig.build.json", import.meta.url))) {
  const { install } = await import("../scripts/install.js");
  await install();
  const { build } = await import("../scripts/build.js");
  await build();
}
const { main } = await import("../dist/cli/main.js");
process.exitCode = await main(process.argv.slice(2));
