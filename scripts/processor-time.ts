// The processor time that a browser has used, which other programs on the machine hardly change.
import { readdirSync, readFileSync } from "node:fs";

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process or thread has ended.
    return "";
  }
};

/** The ids of the processes that this one has started, directly or not. */
function descendants(): Set<number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const status = /^\d+$/.test(name) ? textOf(`/proc/${name}/status`) : "";
    const parent = /^PPid:\s+(\d+)$/m.exec(status)?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found = new Set([process.pid]);
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const [id, parent] of parents) if (found.has(parent)) found.add(id);
  }
  found.delete(process.pid);
  return found;
}

/** Milliseconds that the threads of the pages of this process's browser have run so far. Linux only. */
export function processorTime(): number {
  let sum = 0;
  for (const id of descendants()) {
    if (!textOf(`/proc/${id}/cmdline`).includes("--type=renderer")) continue;
    for (const thread of readdirSync(`/proc/${id}/task`)) {
      const [nanoseconds = "0"] = textOf(`/proc/${id}/task/${thread}/schedstat`).split(" ");
      sum += Number(nanoseconds) / 1e6;
    }
  }
  return sum;
}
