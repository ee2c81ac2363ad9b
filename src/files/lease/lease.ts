// A lease decides which process may write results, without comparing the clocks of two machines.
//
// Attempt n creates `lease.n` exclusively and works under it. While it works, it increments a counter in that file. An
// observer considers an attempt dead when its counter has not changed for some seconds of the observer's own monotonic
// clock, and takes over by creating `lease.n+1`. A writer that sees a higher attempt, or no longer finds its own, has lost
// the lease and must stop.

/** Where attempts are stored. */
export interface LeaseStorage {
  /** Numbers of the existing attempts, in any order. */
  attempts(): Promise<readonly number[]>;
  /** Creates an attempt with these contents, whole or not at all; null if it exists already. */
  create(attempt: number, contents: string): Promise<LeaseFile | null>;
  /** Contents of an attempt; null if it does not exist. */
  read(attempt: number): Promise<string | null>;
  remove(attempt: number): Promise<void>;
}

/** An attempt that this process has created. */
export interface LeaseFile {
  /** Starts incrementing the counter, even while this process computes. */
  beat(contentsOf: LeaseRecord): void;
  /** Stops the counter and closes the file. */
  stop(): Promise<void>;
}

/** Contents of an attempt besides its counter. */
export interface LeaseRecord {
  /** Distinguishes this attempt from any other of the same number. */
  readonly token: string;
  /** Name of the owner for messages: `process 12 on host`. */
  readonly owner: string;
  /** Facts by which the owner's machine recognises it; see `isAlive`. */
  readonly identity: Readonly<Record<string, string>>;
}

/** A monotonic clock of this process. */
export interface LeaseClock {
  /** Seconds since an arbitrary start. */
  now(): number;
  sleep(seconds: number): Promise<void>;
}

/** A request for a lease. */
export interface LeaseRequest {
  readonly record: LeaseRecord;
  readonly clock: LeaseClock;
  /** Seconds without a change of the counter after which an attempt counts as dead. */
  readonly patience: number;
  /** Whether the owner of an attempt runs on this machine; null if this machine cannot tell. */
  isAlive(record: LeaseRecord): Promise<boolean | null>;
  /** Called once if a counter has to be watched, for up to `seconds`. */
  waiting?(owner: string, seconds: number): void;
  readonly signal?: AbortSignal | undefined;
}

/** A lease that this process holds. */
export interface Lease {
  readonly attempt: number;
  /** False once another attempt has taken over. Ask before every write. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

/** A lease whose loss is a UsageError. */
export interface WorkLease extends Lease {
  /** Throws a UsageError (`in-use`) once another process has taken over. Call it before every write. */
  check(): Promise<void>;
}

/** Another process holds the lease. */
export interface HeldLease {
  readonly owner: string;
}

/** Contents of an attempt: one line of JSON padded to a fixed width, so that the counter never changes its length. */
export const leaseText = (record: LeaseRecord, beat: number): string =>
  `${JSON.stringify({ ...record, beat }).padEnd(511)}\n`;

const isRecord = (value: unknown): value is LeaseRecord =>
  typeof value === "object" &&
  value !== null &&
  typeof (value as LeaseRecord).token === "string" &&
  typeof (value as LeaseRecord).owner === "string" &&
  typeof (value as LeaseRecord).identity === "object" &&
  (value as LeaseRecord).identity !== null;

/** Parses the contents of an attempt; null if they are incomplete or were not written by this module. */
export function leaseRecord(contents: string): LeaseRecord | null {
  try {
    const value: unknown = JSON.parse(contents);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

const highest = (attempts: readonly number[]): number =>
  attempts.reduce((a, b) => Math.max(a, b), 0);

/** Seconds between two reads of a watched counter. */
const POLL = 0.25;

/** The owner of a live attempt; of a dead one, the contents that it was judged by (null if it does not exist). */
async function ownerOrContents(
  storage: LeaseStorage,
  attempt: number,
  { clock, patience, isAlive, waiting, signal }: LeaseRequest,
): Promise<HeldLease | { readonly judged: string | null }> {
  const first = await storage.read(attempt);
  const dead = { judged: first };
  if (first === null) return dead;
  const record = leaseRecord(first);
  const owner = record?.owner ?? "an unknown process";
  const alive = record === null ? null : await isAlive(record);
  if (alive !== null) return alive ? { owner } : dead;
  waiting?.(owner, patience);
  const start = clock.now();
  while (clock.now() - start < patience) {
    signal?.throwIfAborted();
    await clock.sleep(POLL);
    const now = await storage.read(attempt);
    if (now === null) return { judged: null };
    if (now !== first) return { owner };
  }
  return dead;
}

/** Tries to create an attempt before giving up. Each failure means that another process has just created one. */
const MAX_TRIES = 20;

/** Takes the lease, or returns its owner. Rejects with the signal's reason if it is aborted while a counter is watched. */
export async function takeLease(
  storage: LeaseStorage,
  request: LeaseRequest,
): Promise<Lease | HeldLease> {
  const { record } = request;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const last = highest(await storage.attempts());
    if (last > 0) {
      const found = await ownerOrContents(storage, last, request);
      if ("owner" in found) return found;
      // The attempt may have been released in the meantime, or another process may have taken over.
      if (highest(await storage.attempts()) !== last) continue;
      if ((await storage.read(last)) !== found.judged) continue;
    }
    const attempt = last + 1;
    const file = await storage.create(attempt, leaseText(record, 0));
    if (file === null) continue;
    const lease = leaseOf(storage, attempt, file, record.token);
    // If the previous attempt was released just now, two processes may have created different numbers: the highest wins.
    if (!(await lease.isHeld())) {
      await lease.release();
      continue;
    }
    file.beat(record);
    for (const old of await storage.attempts()) if (old < attempt) await storage.remove(old);
    return lease;
  }
  return { owner: "one of several processes that keep taking the lease" };
}

/** The lease of an attempt that was just created. */
const leaseOf = (storage: LeaseStorage, attempt: number, file: LeaseFile, token: string): Lease => {
  const isOwn = async (): Promise<boolean> =>
    leaseRecord((await storage.read(attempt)) ?? "")?.token === token;
  return {
    attempt,
    isHeld: async () => highest(await storage.attempts()) === attempt && (await isOwn()),
    async release() {
      // The work is done, so an attempt that cannot be read any more is not an error. Its file stays.
      const isOurs = await isOwn().catch(() => false);
      await file.stop();
      if (isOurs) await storage.remove(attempt);
    },
  };
};
