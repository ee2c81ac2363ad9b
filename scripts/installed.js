// `npm ci` where node_modules does not hold what the lockfile says, so that any README command can be the first
// one typed in a clone. A pre-script would not run: .npmrc sets ignore-scripts.

import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { alone } from "./lock.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const packagesOf = (path) => JSON.parse(readFileSync(join(root, path), "utf8")).packages;

/** npm writes its own lockfile at the end, so an interrupted installation counts as none. */
function isCurrent() {
  let present;
  try {
    present = packagesOf("node_modules/.package-lock.json");
  } catch {
    return false;
  }
  return Object.entries(packagesOf("package-lock.json")).every(
    ([path, { version, optional }]) =>
      path === "" || optional === true || present[path]?.version === version,
  );
}

/** npm as it was started, or as found on the PATH. */
function npm(words) {
  const options = { cwd: root, stdio: ["ignore", 2, 2] };
  const { npm_execpath: own } = process.env;
  return own?.endsWith(".js")
    ? spawnSync(process.execPath, [own, ...words], options)
    : spawnSync("npm", words, { ...options, shell: process.platform === "win32" });
}

/** Installs the dependencies unless they are there; ends the process with code 2 if npm cannot. */
export function installed() {
  if (isCurrent()) return;
  alone(root, () => {
    if (isCurrent()) return;
    console.error("rampart: installing the dependencies (npm ci), once per clone");
    const { status, error } = npm([
      "ci",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
    ]);
    if (status === 0) return;
    const why = error === undefined ? `npm ci ended with code ${status}` : error.message;
    console.error(
      `rampart: the dependencies could not be installed: ${why}\n` +
        "  npm needs its registry for this; check the network and run the command again",
    );
    process.exitCode = 2;
  });
  if (process.exitCode === 2) process.exit();
}

if (
  process.argv[1] !== undefined &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
)
  installed();
