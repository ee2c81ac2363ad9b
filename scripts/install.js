// Runs `npm ci` if node_modules does not match the lockfile, so that any command of the README can
// be the first one in a clone. A pre-script of npm would not run, since .npmrc sets ignore-scripts.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LockError, withLock } from "./lock.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const packagesOf = (path) => JSON.parse(readFileSync(join(root, path), "utf8")).packages;

/**
 * Whether all locked packages are installed. npm writes its own lockfile last, so an interrupted
 * installation is not current.
 */
function isCurrent() {
  let installed;
  try {
    installed = packagesOf("node_modules/.package-lock.json");
  } catch {
    return false;
  }
  return Object.entries(packagesOf("package-lock.json")).every(
    ([path, { version, optional }]) =>
      path === "" || optional === true || installed[path]?.version === version,
  );
}

/**
 * Runs the npm that started this process, or the one on the PATH. Returns the reason if it fails,
 * else undefined.
 */
async function npm(args) {
  const options = { cwd: root, stdio: ["ignore", 2, 2] };
  const { npm_execpath: script } = process.env;
  const child = script?.endsWith(".js")
    ? spawn(process.execPath, [script, ...args], options)
    : spawn("npm", args, { ...options, shell: process.platform === "win32" });
  try {
    const [status, signal] = await once(child, "close");
    return status === 0 ? undefined : `npm ci ended with ${signal ?? `code ${status}`}`;
  } catch (error) {
    return error.message;
  }
}

/** Says every ten seconds that work goes on; returns a function that ends this. */
export function reportEvery(what) {
  const start = Date.now();
  const say = () => console.error(`rampart: ${what}, ${Math.round((Date.now() - start) / 1000)} s`);
  const timer = setInterval(say, 10_000);
  return () => clearInterval(timer);
}

/** Exits the process with code 2: the user can fix it. */
function giveUp(reason) {
  console.error(
    `rampart: the dependencies could not be installed: ${reason}\n` +
      "  npm needs access to its registry and a writable clone; fix that and run the command again",
  );
  process.exit(2);
}

/** Installs the dependencies unless they are current. Exits the process with code 2 if npm fails. */
export async function install() {
  if (isCurrent()) return;
  let reason;
  try {
    await withLock(root, async () => {
      if (isCurrent()) return;
      console.error(
        "rampart: installing the dependencies (npm ci), once per clone; about half a minute, longer on a slow network",
      );
      const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
      const stop = reportEvery("still installing");
      reason = await npm(["ci", ...quiet]).finally(stop);
    });
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
    reason = error.message;
  }
  if (reason !== undefined) giveUp(reason);
}

if (
  process.argv[1] !== undefined &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
)
  await install();
