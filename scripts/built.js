// Builds dist/ where it is missing or older than src/. Only types are skipped (`npm run check` has them), which
// makes it a matter of a second or two.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { alone } from "./lock.js";

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

/** Builds into a folder of its own and renames it, so that nobody ever loads half of a build. */
export function built() {
  if (isCurrent()) return;
  alone(root, () => {
    if (isCurrent()) return;
    console.error("rampart: building");
    const next = `${dist}.${process.pid}`;
    const last = `${next}.last`;
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const words = [tsc, "-p", "tsconfig.build.json", "--noCheck", "--outDir", next];
    try {
      const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: ["ignore", 2, 2] });
      if (status !== 0) {
        console.error("rampart: the sources do not build; see the lines above");
        process.exitCode = 1;
        return;
      }
      if (existsSync(dist)) renameSync(dist, last);
      renameSync(next, dist);
    } finally {
      for (const folder of [next, last]) rmSync(folder, { recursive: true, force: true });
    }
  });
  if (process.exitCode === 1) process.exit();
}
