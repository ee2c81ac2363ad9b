import type { LeaseStorage } from "../../files/lease/lease.ts";
import type { Storage } from "../../files/storage/storage.ts";
import { UsageError } from "../../math/usage-error.ts";

/**
 * The storage of results, shared by all workers, such as a folder. Names are relative, with forward slashes.
 * `test/fixtures/store-conformance.ts` has the tests that every store must pass.
 */
export interface Store {
  /** The location, for messages. */
  readonly path: string;
  /** Contents of a file; null if it does not exist. */
  read(name: string): Promise<Uint8Array | null>;
  /**
   * Creates a file atomically and exclusively. Of several callers, on any machines, one gets true and the others false. After
   * the call resolves to true, the contents survive a power cut.
   */
  create(name: string, contents: Uint8Array | string): Promise<boolean>;
  /** Writes a file whole or not at all; replaces an existing file. */
  write(name: string, contents: Uint8Array | string): Promise<void>;
  /** Names of the files and folders directly in a folder, in any order; empty if there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Removes a file, or a folder with everything in it; does nothing if neither exists. */
  remove(name: string): Promise<void>;
  /** The leases of a cell, `lease.1`, `lease.2` and so on. */
  leases(cell: string): LeaseStorage;
  /** The files of one attempt at a cell. No other attempt writes there. */
  attempt(cell: string, number: number): Storage;
}

/** The error of a store that is temporarily unavailable: read-only, full, or not mounted. */
export class StoreAway extends UsageError {
  constructor(path: string, why: string, cause?: unknown) {
    super(`the store ${path} cannot be used: ${why}`, { code: "cannot-write", cause });
  }
}

/** The folder of a cell's leases and attempts. */
export const cellFolder = (cell: string): string => `cells/${cell}`;

/** The folder of one attempt at a cell. */
export const attemptFolder = (cell: string, number: number): string =>
  `${cellFolder(cell)}/attempt-${number}`;
