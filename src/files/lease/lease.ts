// A lease: who may write results, decided without comparing clocks of two machines.
//
// Attempt n exclusively creates `lease.n` and works under it; while it works, a counter in that file goes up. An observer
// takes an attempt for dead when its counter stood still for some seconds of the observer's own monotonic clock, and takes
// over by creating `lease.n+1`. A writer that sees a higher attempt, or no longer its own, has lost and must stop.

/** Where leases are kept. */
export interface LeaseStorage {
  /** The numbers of the attempts that there are, in any order. */
  attempts(): Promise<readonly number[]>;
  /** Creates an attempt with these contents, whole or not at all; null where it exists already. */
  create(attempt: number, contents: string): Promise<LeaseFile | null>;
  /** The contents of an attempt; null where there is none. */
  read(attempt: number): Promise<string | null>;
  remove(attempt: number): Promise<void>;
}

/** An attempt that this process has created. */
export interface LeaseFile {
  /** Lets the counter go up from now on, whatever else this process does. */
  beat(contentsOf: LeaseRecord): void;
  stop(): Promise<void>;
}

/** What an attempt holds besides its counter. */
export interface LeaseRecord {
  /** Tells this attempt from any other of the same number. */
  readonly token: string;
  /** Who works under it, for messages. */
  readonly owner: string;
  /** What the owner's machine knows it by. */
  readonly identity: Readonly<Record<string, string>>;
}

/** A monotonic clock of this process. */
export interface LeaseClock {
  /** Seconds since any start. */
  now(): number;
  sleep(seconds: number): Promise<void>;
}

/** How a lease is asked for. */
export interface LeaseRequest {
  readonly record: LeaseRecord;
  readonly clock: LeaseClock;
  /** Seconds that a counter must stand still. */
  readonly patience: number;
  /** What this machine knows of an owner at once: null where it cannot tell. */
  isAlive(record: LeaseRecord): Promise<boolean | null>;
  /** Told once that a counter has to be watched. */
  waiting?(owner: string, seconds: number): void;
  readonly signal?: AbortSignal | undefined;
}

/** A lease that this process has. */
export interface Lease {
  readonly attempt: number;
  /** False once another attempt has taken over; to be asked before results are written. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

/** Somebody else is at work. */
export interface HeldLease {
  readonly owner: string;
}

/** The contents of an attempt: one line of JSON of a fixed width, so that a counter never changes its length. */
export const leaseText = (record: LeaseRecord, beat: number): string =>
  `${JSON.stringify({ ...record, beat }).padEnd(511)}\n`;

const isRecord = (value: unknown): value is LeaseRecord =>
  typeof value === "object" &&
  value !== null &&
  typeof (value as LeaseRecord).token === "string" &&
  typeof (value as LeaseRecord).owner === "string" &&
  typeof (value as LeaseRecord).identity === "object" &&
  (value as LeaseRecord).identity !== null;

/** What an attempt's contents say; null where they are not ours, or not whole. */
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

/** How often a counter is looked at. */
const LOOK = 0.25;

/** Who works under an attempt, since its counter moves or this machine knows; else the contents that it was judged by. */
async function works(
  storage: LeaseStorage,
  attempt: number,
  { clock, patience, isAlive, waiting, signal }: LeaseRequest,
): Promise<HeldLease | { readonly judged: string | null }> {
  const first = await storage.read(attempt);
  const dead = { judged: first };
  if (first === null) return dead;
  const record = leaseRecord(first);
  const owner = record?.owner ?? "an unknown process";
  const known = record === null ? null : await isAlive(record);
  if (known !== null) return known ? { owner } : dead;
  waiting?.(owner, patience);
  const start = clock.now();
  while (clock.now() - start < patience) {
    signal?.throwIfAborted();
    await clock.sleep(LOOK);
    const now = await storage.read(attempt);
    if (now === null) return { judged: null };
    if (now !== first) return { owner };
  }
  return dead;
}

/** Attempts to create one before giving up; each failure means that another process has created one meanwhile. */
const MAX_TRIES = 20;

/** A lease, or who has it. */
export async function takeLease(
  storage: LeaseStorage,
  request: LeaseRequest,
): Promise<Lease | HeldLease> {
  const { record } = request;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const last = highest(await storage.attempts());
    if (last > 0) {
      const found = await works(storage, last, request);
      if ("owner" in found) return found;
      // Meanwhile it may have been released, or another process may have taken over.
      if (highest(await storage.attempts()) !== last) continue;
      if ((await storage.read(last)) !== found.judged) continue;
    }
    const attempt = last + 1;
    const file = await storage.create(attempt, leaseText(record, 0));
    if (file === null) continue;
    const lease = leaseOf(storage, attempt, file, record.token);
    // Where the one before was released meanwhile, two may have begun at different numbers: the highest one stays.
    if (!(await lease.isHeld())) {
      await lease.release();
      continue;
    }
    file.beat(record);
    for (const old of await storage.attempts()) if (old < attempt) await storage.remove(old);
    return lease;
  }
  return { owner: "one of several processes that keep taking it" };
}

const leaseOf = (storage: LeaseStorage, attempt: number, file: LeaseFile, token: string): Lease => {
  const isOwn = async (): Promise<boolean> =>
    leaseRecord((await storage.read(attempt)) ?? "")?.token === token;
  return {
    attempt,
    isHeld: async () => highest(await storage.attempts()) === attempt && (await isOwn()),
    async release() {
      const own = await isOwn();
      await file.stop();
      if (own) await storage.remove(attempt);
    },
  };
};
