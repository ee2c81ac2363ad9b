// If two commands start in a new clone at the same time, one prepares the clone and the other
// waits.
//
// This is the lease of src/files, without dependencies, so that it runs before anything is
// installed or built. Attempt n creates `.prepare.n` exclusively and holds the lock while the file
// exists. The lock is free once the process of the file is gone. For a process on another machine
// or in another PID namespace, the lock is free once the counter in the file stops.

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

/** Larger files are not written by this script. */
const MAX_BYTES = 4096;

/** The lock file of attempt n. */
const fileOf = (folder, attempt) => join(folder, `.prepare.${attempt}`);

const attemptsIn = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const [, number] = NAME.exec(name) ?? [];
    return number === undefined ? [] : [Number(number)];
  });

const highestIn = (folder) => attemptsIn(folder).reduce((a, b) => Math.max(a, b), 0);

/** The result of `read`; "" if it throws. */
const orEmpty = (read) => {
  try {
    return read();
  } catch {
    return "";
  }
};

/**
 * Start time of a process in clock ticks since boot (proc(5), field 22); "" if it ended or the
 * system does not say.
 */
function startOf(pid) {
  const text = orEmpty(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "" : (fields[19] ?? "");
}

/** The identity of a process: boot and PID namespace, process id and start time. */
const identityOf = (pid) => ({
  kernel: orEmpty(
    () =>
      `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`,
  ),
  pid,
  started: startOf(pid),
});

/** The contents of a lock file; null if it is no regular file or too large, so not written by this script. */
function contentsOf(folder, attempt) {
  const path = fileOf(folder, attempt);
  try {
    const stats = lstatSync(path);
    return stats.isFile() && stats.size <= MAX_BYTES ? readFileSync(path, "utf8") : null;
  } catch {
    return null;
  }
}

/** Whether the process that wrote these contents still runs; undefined if only the counter can show that. */
function isAlive(contents) {
  if (contents === null) return false;
  let record;
  try {
    record = JSON.parse(contents);
  } catch {
    return undefined; // partly written, or damaged
  }
  const { kernel } = identityOf(process.pid);
  if (kernel === "" || record?.kernel !== kernel) return undefined;
  if (!Number.isSafeInteger(record.pid) || record.pid < 1) return undefined;
  return record.started !== "" && startOf(record.pid) === record.started;
}

const textOf = (token, beat) =>
  `${JSON.stringify({ token, ...identityOf(process.pid), beat }).padEnd(255)}\n`;

function remove(folder, attempt) {
  try {
    rmSync(fileOf(folder, attempt), { force: true });
  } catch {
    // A folder, or a file of another user: it stays, and holds no lock.
  }
}

/** Creates a lock file and increments its counter every second until released; null if the name exists. */
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

/** Waits until no other process holds the lock, and takes it. `onWait` is called for each wait. */
async function take(folder, patience, onWait) {
  let seen;
  let since = 0;
  for (;;) {
    const last = highestIn(folder);
    const contents = contentsOf(folder, last);
    if (contents !== seen) since = performance.now();
    seen = contents;
    const isStale = performance.now() - since > 1000 * patience;
    if (isAlive(contents) ?? !isStale) {
      onWait();
      await sleep(100);
      continue;
    }
    const lease = create(folder, last + 1);
    if (lease === null) continue;
    // If the last holder released meanwhile, two processes may have created different numbers. Then
    // both try again.
    if (lease.isHeld() && (contentsOf(folder, last) ?? contents) === contents) {
      for (const old of attemptsIn(folder)) if (old <= last) remove(folder, old);
      return lease;
    }
    lease.release();
  }
}

/** The folder cannot be written. */
export class LockError extends Error {}

/**
 * Runs `work` under the lock of a folder, and waits for other holders first. `work` gets a function
 * `isHeld`: a process that was stopped for long may have lost the lock. A holder on another machine
 * is given up after `patience` seconds. Throws `LockError` if the folder cannot be written.
 */
export async function withLock(folder, work, patience = 10) {
  let hasWaited = false;
  const onWait = () => {
    if (!hasWaited) console.error("rampart: waiting for another process that prepares this clone");
    hasWaited = true;
  };
  let lease;
  try {
    lease = await take(folder, patience, onWait);
  } catch (error) {
    throw new LockError(`nothing can be written in ${folder}: ${error.message}`);
  }
  try {
    return await work(lease.isHeld);
  } finally {
    lease.release();
  }
}
