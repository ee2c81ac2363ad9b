// Attempts at cells. The attempts of a cell are numbered. Each has a lease, and a record of its end unless its worker was lost.
import {
  type LeaseClock,
  type LeaseFile,
  type LeaseRecord,
  type LeaseStorage,
  leaseRecord,
  leaseText,
} from "../files/lease/lease.ts";
import type { Storage } from "../files/storage/storage.ts";
import { cellFolder, type Store } from "./store/store.ts";

/** How an attempt ended without a result. */
export interface AttemptEnd {
  readonly attempt: number;
  readonly owner: string;
  /** Failed: by an error of the cell. Lost: the worker stalled or died. Stopped: on request. */
  readonly how: "failed" | "lost" | "stopped";
  /** Why the attempt failed; empty otherwise. */
  readonly message: string;
  /** The code of a `UsageError`; null for a bug, and if nothing failed. */
  readonly code: string | null;
  /** Whether another attempt may succeed. */
  readonly retry: boolean;
  /** ISO 8601, by the owner's clock. */
  readonly at: string;
}

/** An attempt that this process works on. */
export interface Attempt {
  readonly cell: string;
  readonly number: number;
  readonly owner: string;
  readonly files: Storage;
  /** The number of the previous attempt, from whose files this attempt may continue; null for the first attempt. */
  readonly before: number | null;
  /** The end of the previous attempt, if this process found that attempt dead. */
  readonly lost: AttemptEnd | null;
  /** Whether this is still the latest attempt. */
  isHeld(): Promise<boolean>;
  /** Stops the counter. With `end`, records the end of the attempt. */
  close(end?: Omit<AttemptEnd, "attempt" | "owner">): Promise<void>;
}

/** Why a cell cannot be taken now. */
export interface Untaken {
  /** The owner of the attempt; null if it ended. */
  readonly owner: string | null;
  readonly ends: readonly AttemptEnd[];
}

/** The settings with which this process takes cells. */
export interface AttemptContext {
  readonly store: Store;
  readonly record: LeaseRecord;
  readonly clock: LeaseClock;
  /** Seconds without a change of the counter after which an attempt counts as dead. */
  readonly patience: number;
  /** Whether the owner of an attempt runs on this machine; null if this machine cannot tell. */
  isAlive(record: LeaseRecord): Promise<boolean | null>;
  /** The time for records. */
  now(): Date;
}

/** The last value of a counter that this process has seen. */
interface Seen {
  readonly text: string;
  /** When this value was first seen, on this process's clock. */
  readonly since: number;
}

const endFile = (cell: string, attempt: number): string =>
  `${cellFolder(cell)}/end.${attempt}.json`;

const numbersIn = (names: readonly string[], pattern: RegExp): number[] =>
  names.flatMap((name) => {
    const number = pattern.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });

/** Takes cells for one process, and watches the counters of cells that other processes have. */
export class Attempts {
  readonly #context: AttemptContext;
  readonly #seen = new Map<string, Seen>();

  constructor(context: AttemptContext) {
    this.#context = context;
  }

  /** The ends of a cell's attempts, in order. */
  async endsOf(cell: string): Promise<AttemptEnd[]> {
    const { store } = this.#context;
    return this.#endsIn(cell, await store.list(cellFolder(cell)));
  }

  async #endsIn(cell: string, names: readonly string[]): Promise<AttemptEnd[]> {
    const ends: AttemptEnd[] = [];
    for (const number of numbersIn(names, /^end\.(\d+)\.json$/).sort((a, b) => a - b)) {
      const bytes = await this.#context.store.read(endFile(cell, number));
      if (bytes !== null) ends.push(JSON.parse(new TextDecoder().decode(bytes)) as AttemptEnd);
    }
    return ends;
  }

  /**
   * Takes a cell. Never waits: a counter counts as stopped only after this process has seen no change for some time, so callers
   * ask again later. `refuse` is called with the ends of earlier attempts before the lease is created.
   */
  async take(
    cell: string,
    refuse: (ends: readonly AttemptEnd[]) => boolean,
  ): Promise<Attempt | Untaken> {
    const { store, record } = this.#context;
    const leases = store.leases(cell);
    const names = await store.list(cellFolder(cell));
    const last = Math.max(0, ...numbersIn(names, /^lease\.([1-9]\d*)$/));
    const ends = await this.#endsIn(cell, names);
    let lost: AttemptEnd | null = null;
    if (last > 0 && !ends.some(({ attempt }) => attempt === last)) {
      const owner = await this.#liveOwner(cell, leases, last);
      if (owner !== null) return { owner, ends };
      lost = await this.#noteLost(cell, leases, last);
      ends.push(lost);
    }
    if (refuse(ends)) return { owner: null, ends };
    const number = last + 1;
    const file = await leases.create(number, leaseText(record, 0));
    if (file === null) return { owner: "another worker", ends };
    file.beat(record);
    this.#seen.delete(cell);
    return this.#attempt(cell, { number, file, leases, lost, before: last > 0 ? last : null });
  }

  /** The owner of an attempt that may be alive; null if it is dead. */
  async #liveOwner(cell: string, leases: LeaseStorage, number: number): Promise<string | null> {
    const { clock, patience, isAlive } = this.#context;
    const text = await leases.read(number);
    if (text === null) return "another worker";
    const record = leaseRecord(text);
    if (record !== null && (await isAlive(record)) === false) return null;
    const seen = this.#seen.get(cell);
    const value = `${number} ${text}`;
    if (seen === undefined || seen.text !== value) {
      this.#seen.set(cell, { text: value, since: clock.now() });
    } else if (clock.now() - seen.since >= patience) return null;
    return record?.owner ?? "an unknown process";
  }

  async #noteLost(cell: string, leases: LeaseStorage, number: number): Promise<AttemptEnd> {
    const { store, now } = this.#context;
    const record = leaseRecord((await leases.read(number)) ?? "");
    const end: AttemptEnd = {
      attempt: number,
      owner: record?.owner ?? "an unknown process",
      how: "lost",
      message: "its worker was killed, or made no progress for too long",
      code: null,
      retry: true,
      at: now().toISOString(),
    };
    await store.create(endFile(cell, number), `${JSON.stringify(end)}\n`);
    return end;
  }

  #attempt(
    cell: string,
    {
      number,
      file,
      leases,
      before,
      lost,
    }: {
      readonly number: number;
      readonly file: LeaseFile;
      readonly leases: LeaseStorage;
    } & Pick<Attempt, "before" | "lost">,
  ): Attempt {
    const { store, record } = this.#context;
    const { owner } = record;
    return {
      cell,
      number,
      owner,
      before,
      lost,
      files: store.attempt(cell, number),
      async isHeld() {
        const highest = Math.max(0, ...(await leases.attempts()));
        if (highest !== number) return false;
        return leaseRecord((await leases.read(number)) ?? "")?.token === record.token;
      },
      async close(end) {
        await file.stop();
        if (end === undefined) return;
        const noted: AttemptEnd = { attempt: number, owner, ...end };
        await store.create(endFile(cell, number), `${JSON.stringify(noted)}\n`);
      },
    };
  }

  /** Removes the attempts and leases of a cell, after its commit or to retry a failed cell. */
  async clear(cell: string): Promise<void> {
    await this.#context.store.remove(cellFolder(cell));
  }
}
