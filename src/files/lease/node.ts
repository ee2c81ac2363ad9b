// Leases as files of this machine's disk. This file is both sides: a thread of it lets counters go up, everyone else asks.

import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import {
  constants,
  copyFile,
  type FileHandle,
  link,
  lstat,
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
import { UsageError } from "../../math/usage-error.ts";
import { MAX_TEXT, readTextIfThere } from "../read/node.ts";
import { makeFolder, orMissing, PARTIAL, writing } from "../write/node.ts";
import { type Lease, type LeaseRecord, type LeaseStorage, leaseText, takeLease } from "./lease.ts";

/** Seconds between two steps of a counter, and seconds that one must stand still. */
const BEAT = 1;
const PATIENCE = 15;

/** Tells a thread of this file from others that load it. */
const ROLE = "beats";

/** A counter of an open file: the process's threads share its descriptors. */
interface Beating {
  readonly fd: number;
  readonly record: LeaseRecord;
}

/** Lets the counters of all files in `beating` go up. */
function beatAll(beating: ReadonlyMap<number, LeaseRecord>, beat: number): void {
  for (const [fd, record] of beating)
    try {
      writeSync(fd, leaseText(record, beat), 0);
    } catch {
      // A full disk, or a file that was closed: a counter that stands still says the rest.
    }
}

if (!isMainThread && workerData === ROLE) {
  const beating = new Map<number, LeaseRecord>();
  parentPort?.on("message", ({ fd, record }: Beating & { readonly record: LeaseRecord | null }) => {
    if (record === null) {
      beating.delete(fd);
      parentPort?.postMessage(fd);
    } else beating.set(fd, record);
  });
  let beat = 0;
  setInterval(() => beatAll(beating, ++beat), 1000 * BEAT);
}

/** Whether a thread can read this file: Node reads TypeScript itself from version 22.18 on, the built library always. */
const canStart =
  !import.meta.url.endsWith(".ts") ||
  Boolean((process.features as { readonly typescript?: unknown }).typescript);

let thread: Worker | undefined;

/** Lets a counter go up in a thread, since a step of training occupies the main one; returns how to stop it. */
function beaten(fd: number, record: LeaseRecord): () => Promise<void> {
  if (!canStart) {
    let beat = 0;
    const timer = setInterval(() => beatAll(new Map([[fd, record]]), ++beat), 1000 * BEAT);
    timer.unref();
    return async () => clearInterval(timer);
  }
  thread ??= new Worker(new URL(import.meta.url), { workerData: ROLE, execArgv: [] });
  thread.unref();
  const own = thread;
  own.postMessage({ fd, record });
  return () =>
    new Promise((done) => {
      // The descriptor may be closed, and used again, only once the thread has let go of it.
      const told = (which: unknown) => {
        if (which !== fd) return;
        own.off("message", told);
        own.unref();
        done();
      };
      own.on("message", told);
      own.ref();
      own.postMessage({ fd, record: null });
    });
}

/** Creates a file with its contents in one step; null where there is something already. */
async function created(path: string, contents: string): Promise<FileHandle | null> {
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
      // Where the file system has no hard links, a copy that may not overwrite is nearly as good.
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

/** Leases `PREFIX.1`, `PREFIX.2` …; whatever else has such a name counts as an attempt whose counter stands still. */
export function nodeLeases(prefix: string): LeaseStorage {
  const name = (attempt: number) => `${prefix}.${attempt}`;
  const start = `${basename(prefix)}.`;
  return {
    async attempts() {
      const names = await orMissing(readdir(dirname(prefix)), []);
      return names.flatMap((one) => {
        const number = one.startsWith(start) ? one.slice(start.length) : "";
        return /^[1-9]\d{0,8}$/.test(number) ? [Number(number)] : [];
      });
    },
    async create(attempt, contents) {
      const file = await created(name(attempt), contents);
      if (file === null) return null;
      let stop = async () => {};
      return {
        beat(record) {
          stop = beaten(file.fd, record);
        },
        async stop() {
          await stop();
          await file.close();
        },
      };
    },
    async read(attempt) {
      try {
        return await readTextIfThere(name(attempt), MAX_TEXT);
      } catch (error) {
        if (error instanceof UsageError) return ""; // a folder, say
        throw error;
      }
    },
    async remove(attempt) {
      const file = name(attempt);
      if ((await orMissing(lstat(file), null))?.isDirectory()) return; // nobody's lease
      await rm(file, { force: true });
    },
  };
}

/** Fields of /proc/PID/stat (proc(5)) from the third on; the second may hold spaces. Null where the system does not say. */
const statOf = (pid: number | string): Promise<readonly string[] | null> =>
  readFile(`/proc/${pid}/stat`, "utf8").then(
    (text) => text.slice(text.lastIndexOf(")") + 2).split(" "),
    () => null,
  );

/** Places of the state and of the start in ticks since boot among those fields. */
const STATE = 0;
const STARTED = 19;

const trimmed = (text: Promise<string>): Promise<string> =>
  text.then(
    (found) => found.trim(),
    () => "",
  );

/** What tells this process from any other that runs under the same kernel: its boot, its space of process ids, its id and start. */
async function ownIdentity(): Promise<Record<string, string>> {
  return {
    boot: await trimmed(readFile("/proc/sys/kernel/random/boot_id", "utf8")),
    space: await trimmed(readlink("/proc/self/ns/pid")),
    pid: String(process.pid),
    started: (await statOf(process.pid))?.[STARTED] ?? "",
  };
}

/** Whether an owner lives, where it ran under this kernel and in this space of process ids; null where only its counter tells. */
async function isAlive({ identity }: LeaseRecord): Promise<boolean | null> {
  const own = await ownIdentity();
  const { boot, space, pid, started } = identity;
  const isHere = own.boot !== "" && own.space !== "" && boot === own.boot && space === own.space;
  if (!isHere || !/^\d+$/.test(pid ?? "")) return null;
  const found = await statOf(pid);
  // A zombie has ended and waits to be noticed.
  if (found !== null) return found[STARTED] === started && found[STATE] !== "Z";
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return null; // there is such a process, and /proc hides it
}

/** What a lease guards, and what its messages say. */
export interface LeasedWork {
  /** Where the attempts lie: `PREFIX.1`. */
  readonly prefix: string;
  /** What is guarded, as messages call it. */
  readonly owned: string;
  /** What else the user could do: `choose another --out`. */
  readonly remedy: string;
  readonly note?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A lease with words for whoever loses it. */
export interface WorkLease extends Lease {
  /** Throws a UsageError once another process has taken over; to be called before results are written. */
  check(): Promise<void>;
}

/** Takes the lease, or throws a UsageError that says who has it. */
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
        note(
          `${owned} was in use by ${owner}; watching for up to ${seconds} s whether it is still at work`,
        ),
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
