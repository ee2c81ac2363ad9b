// Leases as files on disk. Loaded as a worker thread, this module increments the counters.

import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import {
  constants,
  copyFile,
  type FileHandle,
  link,
  open,
  readdir,
  readFile,
  readlink,
  rm,
} from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { OnNote } from "../../math/note.ts";
import { UsageError } from "../../math/usage-error.ts";
import { kindOf, MAX_TEXT, readTextIfThere } from "../read/node.ts";
import { makeFolder, orMissing, PARTIAL, writing } from "../write/node.ts";
import {
  type LeaseRecord,
  type LeaseStorage,
  leaseText,
  takeLease,
  type WorkLease,
} from "./lease.ts";

export type { WorkLease } from "./lease.ts";

/** Seconds between two increments of a counter. */
const BEAT = 1;
/** Seconds without an increment after which an attempt counts as dead. */
const PATIENCE = 15;

/** Worker data that makes a thread of this module increment counters. */
const ROLE = "beats";

/** A message to the worker thread, which shares the process's file descriptors; null stops the counter. */
interface BeatMessage {
  readonly fd: number;
  readonly record: LeaseRecord | null;
}

/** Writes the counter into every file, by descriptor. */
function beatAll(beating: ReadonlyMap<number, LeaseRecord>, beat: number): void {
  for (const [fd, record] of beating)
    try {
      writeSync(fd, leaseText(record, beat), 0);
    } catch {
      // A full disk, or a closed file. Observers see a counter that does not change, and that is the right message.
    }
}

if (!isMainThread && workerData === ROLE) {
  const beating = new Map<number, LeaseRecord>();
  parentPort?.on("message", ({ fd, record }: BeatMessage) => {
    if (record === null) {
      beating.delete(fd);
      parentPort?.postMessage(fd);
    } else beating.set(fd, record);
  });
  let beat = 0;
  setInterval(() => beatAll(beating, ++beat), 1000 * BEAT);
}

/** Whether a worker can load this module: always once it is built; from source only if Node strips types (22.18). */
const canStartWorker =
  !import.meta.url.endsWith(".ts") ||
  Boolean((process.features as { readonly typescript?: unknown }).typescript);

let thread: Worker | undefined;

/** Starts a counter in the worker, since a training step blocks the main thread. Returns a function that stops it. */
function startBeating(fd: number, record: LeaseRecord): () => Promise<void> {
  if (!canStartWorker) {
    let beat = 0;
    const timer = setInterval(() => beatAll(new Map([[fd, record]]), ++beat), 1000 * BEAT);
    timer.unref();
    return async () => clearInterval(timer);
  }
  thread ??= new Worker(new URL(import.meta.url), { workerData: ROLE, execArgv: [] });
  thread.unref();
  const worker = thread;
  worker.postMessage({ fd, record } satisfies BeatMessage);
  return () =>
    new Promise((done) => {
      // The descriptor may be closed and reused only after the worker has confirmed that it stopped.
      const onStopped = (stopped: unknown) => {
        if (stopped !== fd) return;
        worker.off("message", onStopped);
        worker.unref();
        done();
      };
      worker.on("message", onStopped);
      worker.ref();
      worker.postMessage({ fd, record: null } satisfies BeatMessage);
    });
}

/** Creates a file and its contents atomically; null if the path exists. */
async function createWhole(path: string, contents: string): Promise<FileHandle | null> {
  const partial = `${path}-${randomUUID()}${PARTIAL}`;
  let file: FileHandle | undefined;
  try {
    file = await open(partial, "wx+");
    await file.writeFile(contents);
    await file.sync();
    try {
      await link(partial, path);
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
      // Without hard links, an exclusive copy is nearly as good: an observer may see it half written.
      await copyFile(partial, path, constants.COPYFILE_EXCL);
      await file.close();
      file = undefined;
      return await open(path, "r+");
    }
  } catch (error) {
    await file?.close();
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return null;
    throw error;
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * Leases `PREFIX.1`, `PREFIX.2` …. A regular file with other contents counts as an attempt whose counter stands still.
 * Anything else under such a name, a folder or a link, is a UsageError: no lease was ever one, and a writer that works under
 * a lower attempt would not notice in time that another process has taken over.
 */
export function nodeLeases(prefix: string): LeaseStorage {
  const pathOf = (attempt: number) => `${prefix}.${attempt}`;
  const start = `${basename(prefix)}.`;
  return {
    async attempts() {
      const entries = await orMissing(readdir(dirname(prefix), { withFileTypes: true }), []);
      const numbers: number[] = [];
      for (const entry of entries) {
        const number = entry.name.startsWith(start) ? entry.name.slice(start.length) : "";
        if (!/^[1-9]\d{0,8}$/.test(number)) continue;
        const kind = kindOf(entry);
        if (kind !== undefined)
          throw new UsageError(`${prefix}.${number} is ${kind}, where a lease is a file`, {
            code: "in-use",
            next: "move it away, once nothing else writes there",
          });
        numbers.push(Number(number));
      }
      return numbers;
    },
    async create(attempt, contents) {
      const file = await createWhole(pathOf(attempt), contents);
      if (file === null) return null;
      let stop = async () => {};
      return {
        beat(record) {
          stop = startBeating(file.fd, record);
        },
        async stop() {
          await stop();
          await file.close();
        },
      };
    },
    read: (attempt) => readTextIfThere(pathOf(attempt), MAX_TEXT),
    remove: (attempt) => rm(pathOf(attempt), { force: true }),
  };
}

/** Fields of /proc/PID/stat (proc(5)) from the third on, since the second may contain spaces; null without /proc. */
const statOf = (pid: number | string): Promise<readonly string[] | null> =>
  readFile(`/proc/${pid}/stat`, "utf8").then(
    (text) => text.slice(text.lastIndexOf(")") + 2).split(" "),
    () => null,
  );

/** Index of the process state in those fields. */
const STATE = 0;
/** Index of the start time, in clock ticks since boot. */
const STARTED = 19;

/** The trimmed text; empty if it cannot be read. */
const trimmedOrEmpty = (text: Promise<string>): Promise<string> =>
  text.then(
    (found) => found.trim(),
    () => "",
  );

/** Identifies this process among all under the same kernel: boot, pid namespace, pid and start time. */
export async function ownIdentity(): Promise<Record<string, string>> {
  return {
    boot: await trimmedOrEmpty(readFile("/proc/sys/kernel/random/boot_id", "utf8")),
    space: await trimmedOrEmpty(readlink("/proc/self/ns/pid")),
    pid: String(process.pid),
    started: (await statOf(process.pid))?.[STARTED] ?? "",
  };
}

/** Whether an owner runs, if it started under this kernel and in this pid namespace; null if only its counter can tell. */
export async function isAlive({ identity }: LeaseRecord): Promise<boolean | null> {
  const own = await ownIdentity();
  const { boot, space, pid, started } = identity;
  const isHere = own.boot !== "" && own.space !== "" && boot === own.boot && space === own.space;
  if (!isHere || !/^\d+$/.test(pid ?? "")) return null;
  const found = await statOf(pid);
  // A zombie has ended; its parent has not collected it yet.
  if (found !== null) return found[STARTED] === started && found[STATE] !== "Z";
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return null; // the process exists, but /proc hides it
}

/** What a lease guards, and how its messages name it. */
export interface LeasedWork {
  /** Path of the attempts, `PREFIX.1` and so on. */
  readonly prefix: string;
  /** The guarded file or folder, as messages call it. */
  readonly owned: string;
  /** Alternative to waiting: `choose another --out`. */
  readonly remedy: string;
  /** Receives a note if the lease has to be watched. */
  readonly note?: OnNote | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes the lease, or throws a UsageError (`in-use`) that names its owner. Decides at once if this machine knows the owner,
 * otherwise after watching its counter for up to 15 s.
 */
export async function leaseWork(work: LeasedWork): Promise<WorkLease> {
  const { prefix, owned, remedy, note = () => undefined, signal } = work;
  await writing(owned, makeFolder(dirname(prefix)));
  const record = {
    token: randomUUID(),
    owner: `process ${process.pid} on ${hostname()}`,
    identity: await ownIdentity(),
  };
  const taken = await writing(
    owned,
    takeLease(nodeLeases(prefix), {
      record,
      clock: { now: () => performance.now() / 1000, sleep: (seconds) => sleep(1000 * seconds) },
      patience: PATIENCE,
      isAlive,
      waiting: (owner, seconds) =>
        note({
          code: "in-use",
          text: `${owned} was in use by ${owner}; watching for up to ${seconds} s whether it is still at work`,
        }),
      signal,
    }),
  );
  if (!("attempt" in taken))
    throw new UsageError(`${owned} is in use by ${taken.owner.replace(` on ${hostname()}`, "")}`, {
      code: "in-use",
      next: `wait for it, or ${remedy}`,
    });
  return {
    ...taken,
    async check() {
      if (await taken.isHeld()) return;
      throw new UsageError(`another process has taken over ${owned}; nothing more is written`, {
        code: "in-use",
        next: "this one stood still for too long, or its lease was removed",
      });
    },
  };
}
