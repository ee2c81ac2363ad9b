// Builds dist/ where it is missing or older than src/. Only types are skipped (`npm run check` has them), which
// makes it a matter of a second or two.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { alone, CannotLock } from "./lock.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

const timeOf = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** The time of the newest source; tests are not built. */
const newest = () =>
  readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
    .map((entry) => timeOf(join(entry.parentPath ?? entry.path, entry.name)))
    .reduce((a, b) => Math.max(a, b), timeOf(join(root, "tsconfig.build.json")));

const isCurrent = () => timeOf(join(dist, "cli", "main.js")) >= newest();

/** Compiles into a folder; true where that worked. */
async function compiled(folder) {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const words = [tsc, "-p", "tsconfig.build.json", "--noCheck", "--outDir", folder];
  const child = spawn(process.execPath, words, { cwd: root, stdio: ["ignore", 2, 2] });
  const [status] = await once(child, "close");
  return status === 0;
}

/** Builds into a folder of its own and renames it, so that nobody ever loads half of a build; gives the exit code. */
async function build(isHeld) {
  if (isCurrent()) return 0;
  console.error("rampart: building");
  const next = `${dist}.${process.pid}`;
  const last = `${next}.last`;
  try {
    if (!(await compiled(next))) {
      console.error("rampart: the sources do not build; see the lines above");
      return 1;
    }
    if (!isHeld()) return null;
    if (existsSync(dist)) renameSync(dist, last);
    renameSync(next, dist);
    return 0;
  } finally {
    for (const folder of [next, last]) rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds dist/ unless it is current; ends the process where it cannot. */
export async function built() {
  if (isCurrent()) return;
  let code;
  try {
    // Another process takes over from one that was stopped for long, and then that one begins again.
    do code = await alone(root, build);
    while (code === null);
  } catch (error) {
    if (!(error instanceof CannotLock)) throw error;
    console.error(
      `rampart: this clone has to be built first, and ${error.message}\n` +
        "  build it where it can be written: npm run build",
    );
    code = 2;
  }
  if (code !== 0) process.exit(code);
}
