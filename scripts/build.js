// Builds dist/ if it is missing or older than src/: JavaScript by scripts/bundle.js, declarations by
// TypeScript. Types are not checked (`npm run check` does that).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LockError, withLock } from "./lock.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
/** The page of the lab: `npm run build:lab` builds it, and its sources are not compiled here. */
const lab = join(dist, "lab");
const labSource = join(root, "src", "lab");

/** Modification time of a file in milliseconds; 0 if there is none. */
const timeOf = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** Modification time of the newest source. Tests are not built. */
const newestSource = () =>
  readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !path.startsWith(labSource))
    .map(timeOf)
    .concat(["tsconfig.build.json", "scripts/bundle.js"].map((name) => timeOf(join(root, name))))
    .reduce((a, b) => Math.max(a, b));

const isCurrent = () => timeOf(join(dist, "cli", "main.js")) >= newestSource();

/** Runs a script with Node, in the root; returns whether that worked. */
async function works(args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", 2, 2] });
  const [status] = await once(child, "close");
  return status === 0;
}

/** Builds into a folder; returns whether that worked. */
async function compile(folder) {
  const tsc = join(root, "node_modules", "typescript-7", "bin", "tsc");
  const bundled = await works([join(root, "scripts", "bundle.js"), folder]);
  return bundled && works([tsc, "-p", "tsconfig.build.json", "--noCheck", "--outDir", folder]);
}

/**
 * Builds into a temporary folder and renames it, so that no process loads half of a build. Returns
 * the exit code, or null if the lock was lost.
 */
async function buildLocked(isHeld) {
  if (isCurrent()) return 0;
  console.error("rampart: building, once per version; about ten seconds");
  const next = `${dist}.${process.pid}`;
  const last = `${next}.last`;
  try {
    if (!(await compile(next))) {
      console.error("rampart: the sources do not build; see the lines above");
      return 1;
    }
    if (!isHeld()) return null;
    if (existsSync(lab)) renameSync(lab, join(next, "lab"));
    if (existsSync(dist)) renameSync(dist, last);
    renameSync(next, dist);
    return 0;
  } finally {
    for (const folder of [next, last]) rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds dist/ unless it is current. Exits the process if the build fails. */
export async function build() {
  if (isCurrent()) return;
  let code;
  try {
    // A process that was stopped for long loses its lock to another one, and starts again.
    do code = await withLock(root, buildLocked);
    while (code === null);
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
    console.error(
      `rampart: this clone must be built first, and ${error.message}\n` +
        "  make the folder writable and build it: npm run build",
    );
    code = 2;
  }
  if (code !== 0) process.exit(code);
}
