// Two commands may be the first ones in a clone at the same time: one prepares it, the other waits.
//
// It is the lease of src/files/lease, small enough to run before anything is installed or built: attempt n exclusively
// creates `.prepare.n` in the clone and works under it. One whose process is gone is over at once; where only the
// contents can tell (another machine, another space of process ids), it is over when its counter stands still.

import { randomUUID } from "node:crypto";
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const NAME = /^\.prepare\.([1-9]\d{0,8})$/;

/** Longest contents that are an attempt's own. */
const MAX_BYTES = 4096;

const fileOf = (folder, attempt) => join(folder, `.prepare.${attempt}`);

const attemptsIn = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const [, number] = NAME.exec(name) ?? [];
    return number === undefined ? [] : [Number(number)];
  });

const highestIn = (folder) => attemptsIn(folder).reduce((a, b) => Math.max(a, b), 0);

const orEmpty = (read) => {
  try {
    return read();
  } catch {
    return "";
  }
};

/** When a process started, in ticks since the boot (proc(5), field 22); empty where it ended or the system does not say. */
function startOf(pid) {
  const text = orEmpty(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "" : (fields[19] ?? "");
}

/** What tells a process from any other: its boot and its space of process ids, its id and its start. */
const identityOf = (pid) => ({
  kernel: orEmpty(
    () =>
      `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`,
  ),
  pid,
  started: startOf(pid),
});

/** An attempt's contents; null where it is no regular file of that size, which no process of ours has made. */
function contentsOf(folder, attempt) {
  const path = fileOf(folder, attempt);
  try {
    const found = lstatSync(path);
    return found.isFile() && found.size <= MAX_BYTES ? readFileSync(path, "utf8") : null;
  } catch {
    return null;
  }
}

/** Whether the process that wrote the contents is at work; undefined where only its counter can tell. */
function works(contents) {
  if (contents === null) return false;
  let record;
  try {
    record = JSON.parse(contents);
  } catch {
    return undefined; // being written, or damaged
  }
  const own = identityOf(process.pid);
  if (own.kernel === "" || record?.kernel !== own.kernel) return undefined;
  if (!Number.isSafeInteger(record.pid) || record.pid < 1) return undefined;
  return record.started !== "" && startOf(record.pid) === record.started;
}

const textOf = (token, beat) =>
  `${JSON.stringify({ token, ...identityOf(process.pid), beat }).padEnd(255)}\n`;

function remove(folder, attempt) {
  try {
    rmSync(fileOf(folder, attempt), { force: true });
  } catch {
    // a folder, or somebody else's: it stays, and counts for nothing
  }
}

/** Creates an attempt, whose counter goes up from now on; null where something has its name. */
function create(folder, attempt) {
  let file;
  try {
    file = openSync(fileOf(folder, attempt), "wx");
  } catch (error) {
    if (error.code === "EEXIST") return null;
    throw error;
  }
  const token = randomUUID();
  let beat = 0;
  const write = () => writeSync(file, textOf(token, beat++), 0);
  const isOwn = () => contentsOf(folder, attempt)?.includes(token) === true;
  try {
    write();
  } catch (error) {
    closeSync(file);
    remove(folder, attempt);
    throw error;
  }
  const timer = setInterval(() => orEmpty(write), 1000);
  return {
    isHeld: () => highestIn(folder) === attempt && isOwn(),
    release() {
      clearInterval(timer);
      closeSync(file);
      if (isOwn()) remove(folder, attempt);
    },
  };
}

/** An attempt of this process, once nobody else works under one. */
async function take(folder, patience, tell) {
  let seen;
  let since = 0;
  for (;;) {
    const last = highestIn(folder);
    const contents = contentsOf(folder, last);
    if (contents !== seen) since = performance.now();
    seen = contents;
    const stoodStill = performance.now() - since > 1000 * patience;
    if (works(contents) ?? !stoodStill) {
      tell();
      await sleep(100);
      continue;
    }
    const lease = create(folder, last + 1);
    if (lease === null) continue;
    // Where the last one was released meanwhile, two may have begun at different numbers: both try again.
    if (lease.isHeld() && (contentsOf(folder, last) ?? contents) === contents) {
      for (const old of attemptsIn(folder)) if (old <= last) remove(folder, old);
      return lease;
    }
    lease.release();
  }
}

/** The clone cannot be written, so nothing can be prepared in it. */
export class CannotLock extends Error {}

/**
 * Runs `work` while no other process does the same for this folder; waits for one that does. `work` is told how to ask
 * whether this process still has the lock, since one that was stopped for long may have lost it.
 */
export async function alone(folder, work, patience = 10) {
  let told = false;
  const tell = () => {
    if (!told) console.error("rampart: waiting for another process that prepares this clone");
    told = true;
  };
  let lease;
  try {
    lease = await take(folder, patience, tell);
  } catch (error) {
    throw new CannotLock(`nothing can be written in ${folder}: ${error.message}`);
  }
  try {
    return await work(lease.isHeld);
  } finally {
    lease.release();
  }
}
