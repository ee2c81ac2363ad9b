// `npm ci` where node_modules does not hold what the lockfile says, so that any README command can be the first
// one typed in a clone. A pre-script would not run: .npmrc sets ignore-scripts.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { alone, CannotLock } from "./lock.js";

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

/** Runs npm as it was started, or as found on the PATH; gives the reason where it fails. */
async function npm(words) {
  const options = { cwd: root, stdio: ["ignore", 2, 2] };
  const { npm_execpath: own } = process.env;
  const child = own?.endsWith(".js")
    ? spawn(process.execPath, [own, ...words], options)
    : spawn("npm", words, { ...options, shell: process.platform === "win32" });
  try {
    const [status, signal] = await once(child, "close");
    return status === 0 ? undefined : `npm ci ended with ${signal ?? `code ${status}`}`;
  } catch (error) {
    return error.message;
  }
}

/** Ends the process with code 2, since the user can put it right. */
function giveUp(reason) {
  console.error(
    `rampart: the dependencies could not be installed: ${reason}\n` +
      "  npm needs its registry and a clone that can be written; put that right and run the command again",
  );
  process.exit(2);
}

/** Installs the dependencies unless they are there; ends the process with code 2 if npm cannot. */
export async function installed() {
  if (isCurrent()) return;
  let reason;
  try {
    await alone(root, async () => {
      if (isCurrent()) return;
      console.error("rampart: installing the dependencies (npm ci), once per clone");
      const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
      reason = await npm(["ci", ...quiet]);
    });
  } catch (error) {
    if (!(error instanceof CannotLock)) throw error;
    reason = error.message;
  }
  if (reason !== undefined) giveUp(reason);
}

if (
  process.argv[1] !== undefined &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
)
  await installed();
