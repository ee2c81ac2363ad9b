// What every long-running command does with files: written whole or not at all, and by one process at a time.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { constants, copyFile, link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { arch, cpus, hostname, platform, totalmem } from "node:os";
import { dirname } from "node:path";
import { UsageError } from "../math/usage-error.ts";
import { makeFolder, orMissing, PARTIAL, writing } from "./write/node.ts";

export { makeFolder, orMissing, PARTIAL, writeWhole, writing } from "./write/node.ts";

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** Who holds a lock. A process id alone may be used again, so the time it started at goes with it. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** In the kernel's ticks since boot; null where the system does not say. */
  readonly started: string | null;
}

/** Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold spaces, so fields count from its end. */
const startOf = (pid: number): Promise<string | null> =>
  readFile(`/proc/${pid}/stat`, "utf8").then(
    (text) => text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null,
    () => null,
  );

async function isAlive({ pid, host, started }: Holder): Promise<boolean> {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
  }
  return started === null || (await startOf(pid)) === started;
}

/** Makes the lock with its contents in one step, so that nobody reads half of one; false if there is one already. */
async function claim(file: string, own: Holder): Promise<boolean> {
  const partial = `${file}-${randomUUID()}${PARTIAL}`;
  try {
    await writeFile(partial, JSON.stringify(own));
    // Where the file system has no hard links, a copy that may not overwrite is nearly as good.
    await link(partial, file).catch((error) => {
      if (codeOf(error) === "EEXIST") throw error;
      return copyFile(partial, file, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * Makes `file` the lock of this process, or says who has it; returns how to give it back. `owned` is what it guards
 * and `remedy` what else the user could do; a lock whose process is dead is taken over.
 */
export async function lock(
  file: string,
  owned: string,
  remedy: string,
): Promise<() => Promise<void>> {
  const own: Holder = { pid: process.pid, host: hostname(), started: await startOf(process.pid) };
  await writing(owned, makeFolder(dirname(file)));
  for (let attempt = 0; attempt < 5; attempt++) {
    if (await writing(file, claim(file, own))) return () => rm(file, { force: true });
    const text = await orMissing(readFile(file, "utf8"), "");
    const holder = parsedHolder(text);
    if (holder !== undefined && (await isAlive(holder)))
      throw new UsageError(
        `${owned} is in use by process ${holder.pid}${holder.host === own.host ? "" : ` on ${holder.host}`}`,
        {
          code: "in-use",
          next: `wait for it, ${remedy}, or delete ${file} if that process is another program`,
        },
      );
    // Its process is dead. Of several that see this, one moves the file away; if that was somebody's new lock, back it goes.
    const aside = `${file}-${randomUUID()}${PARTIAL}`;
    await orMissing(rename(file, aside), undefined);
    if ((await orMissing(readFile(aside, "utf8"), text)) !== text) await rename(aside, file);
    else await rm(aside, { force: true });
  }
  throw new UsageError(`cannot lock ${owned}: other processes keep taking ${file}; try again`);
}

function parsedHolder(text: string): Holder | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The version of this package. */
export const version: string = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
).version;

/** What results were made on, to be stored beside them. */
export const machine = () => ({
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memory: totalmem(),
  system: `${platform()} ${arch()}`,
  node: process.version,
});
