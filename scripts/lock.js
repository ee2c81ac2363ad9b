// Two commands may be the first ones in a clone at the same time: one prepares it, the other waits.

import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
};

/** True if the process that made the lock is gone; a lock younger than two seconds may not name it yet. */
const isStale = (path) => {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return pid > 0 ? !isAlive(pid) : Date.now() - statSync(path).mtimeMs > 2000;
  } catch {
    return false;
  }
};

const take = (path) => {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    return false;
  }
};

/** Runs `work` while no other process does the same for this folder; waits for one that does. */
export function alone(folder, work) {
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const path = join(tmpdir(), `rampart-${name}.lock`);
  let told = false;
  while (!take(path)) {
    if (isStale(path)) {
      try {
        renameSync(path, `${path}.${process.pid}`);
        rmSync(`${path}.${process.pid}`, { force: true });
      } catch {
        // another process took it away first
      }
      continue;
    }
    if (!told) console.error("rampart: waiting for another process that prepares this clone");
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  try {
    return work();
  } finally {
    rmSync(path, { force: true });
  }
}
