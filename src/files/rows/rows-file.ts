import type { OnNote } from "../../math/note.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { WorkLease } from "../lease/lease.ts";
import { rowLine } from "../row-lines.ts";
import { sealedJson } from "../sealed.ts";
import { type Storage, textIfThere } from "../storage/storage.ts";

/** The name of a file beside rows: `ROWS.jsonl` → `ROWS.settings.json`. */
export const besideRows = (rows: string, suffix: string): string =>
  `${rows.replace(/\.jsonl$/, "")}.${suffix}`;

/** Refuses a packed file as a place for new rows, which are written line by line. */
export function requireUnpacked(path: string): void {
  if (path.endsWith(".gz"))
    throw new UsageError(
      `${path}: rows are written unpacked; leave .gz out of the name, and pack the finished file by gzip`,
      { code: "bad-option" },
    );
}

/** Rows of a file and the text up to which it is whole. */
export interface StoredRows<R> {
  readonly rows: R[];
  readonly whole: string;
}

/** What rows of one kind have in common: how they are read, and which of them one file may hold. */
export interface RowsFormat<R> {
  /** The rows in a text. Throws `UsageError` for a damaged line and for a row of something else. */
  parse(file: string, contents: string): StoredRows<R>;
  /** Settings of these rows, stored beside them; undefined where each row states its own. */
  readonly settings?: object | undefined;
  /** Whether rows that have no settings beside them are accepted; by default they are refused. */
  readonly acceptsNone?: boolean | undefined;
  /** Throws `UsageError` if rows were begun with other settings than these. */
  checkSettings?(stored: StoredSettings): void;
}

/** Settings as they are stored beside rows. */
export interface StoredSettings {
  /** The path of the settings, for messages. */
  readonly file: string;
  /** The content of `file`. */
  readonly text: string;
  /** The path of the rows, for messages. */
  readonly rows: string;
}

/** How a file of rows is opened. */
export interface RowsFileOptions<R> {
  readonly storage: Storage;
  /** The file in the storage: `rows.jsonl`. */
  readonly name: string;
  readonly format: RowsFormat<R>;
  /** Whether the file may hold rows already. */
  readonly resume: boolean;
  readonly note?: OnNote | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A file of rows with the settings and images beside it, under a lease that keeps other processes from writing to it. Close it,
 * whatever happens.
 */
export class RowsFile<R extends object> {
  /** The rows that the file held when it was opened. */
  readonly rows: readonly R[];
  /** Text of the settings that the rows were begun with; null where each row states its own. */
  readonly settings: string | null;
  readonly #options: RowsFileOptions<R>;
  readonly #lease: WorkLease;
  readonly #isFresh: boolean;

  private constructor(before: RowsBefore<R>, options: RowsFileOptions<R>, lease: WorkLease) {
    this.rows = before.rows;
    this.settings = before.settings;
    this.#isFresh = before.isFresh;
    this.#options = options;
    this.#lease = lease;
  }

  /** Takes the lease and reads the rows so far. Throws `UsageError` if the file is in use, damaged, or of other settings. */
  static async open<R extends object>(options: RowsFileOptions<R>): Promise<RowsFile<R>> {
    const { storage, name, note, signal } = options;
    const owned = storage.pathOf(name);
    requireUnpacked(owned);
    const lease = await storage.lease(`${name}.lease`, {
      owned,
      remedy: "choose another --out",
      note,
      signal,
    });
    try {
      return new RowsFile(await rowsBefore(options), options, lease);
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  get #images(): string {
    return besideRows(this.#options.name, "examples.npz");
  }

  /** The images kept so far, an .npz; undefined if there are none. */
  async images(): Promise<Uint8Array | undefined> {
    if (this.rows.length === 0) return undefined;
    return (await this.#options.storage.readIfThere(this.#images)) ?? undefined;
  }

  /** Writes settings that are not yet stored. For a file without rows, also removes images of rows that are gone. */
  async prepare(): Promise<void> {
    const { storage, name } = this.#options;
    if (!this.#isFresh || this.settings === null) return;
    if (this.rows.length === 0) await storage.remove(this.#images);
    await storage.write(besideRows(name, "settings.json"), this.settings);
  }

  /** Throws a `UsageError` (`in-use`) once the lease is lost. */
  async check(): Promise<void> {
    await this.#lease.check();
  }

  async writeImages(npz: Uint8Array): Promise<void> {
    await this.#options.storage.write(this.#images, npz);
  }

  async append(rows: readonly R[]): Promise<void> {
    await this.#options.storage.append(this.#options.name, rows.map(rowLine).join(""));
  }

  async close(): Promise<void> {
    await this.#lease.release();
  }
}

/** The rows and settings that a file has when it is opened. */
interface RowsBefore<R> {
  readonly rows: readonly R[];
  readonly settings: string | null;
  /** Whether the settings are not yet stored. */
  readonly isFresh: boolean;
}

/** The rows of a file that is resumed, which is cut after its last whole line; none for a new file. */
async function rowsBefore<R>({
  storage,
  name,
  format,
  resume,
}: RowsFileOptions<R>): Promise<RowsBefore<R>> {
  const path = storage.pathOf(name);
  const settings = besideRows(name, "settings.json");
  const stored = format.settings === undefined ? null : await textIfThere(storage, settings);
  const contents = await textIfThere(storage, name);
  const fresh = format.settings === undefined ? null : sealedJson(format.settings);
  if (contents === null) return { rows: [], settings: fresh, isFresh: true };
  if (!resume)
    throw new UsageError(
      `${path} already holds rows; continue them with --resume, or choose another --out`,
      { code: "in-use" },
    );
  if (format.settings !== undefined && stored === null && format.acceptsNone !== true)
    throw new UsageError(
      `${path} has no settings beside it, so it is unknown how its rows were made; choose another --out`,
      { code: "not-found" },
    );
  if (stored !== null)
    format.checkSettings?.({ file: storage.pathOf(settings), text: stored, rows: path });
  const { rows, whole } = format.parse(path, contents);
  if (whole.length < contents.length)
    await storage.truncate(name, new TextEncoder().encode(whole).length);
  const isFresh = rows.length === 0 || stored === null;
  return { rows, settings: isFresh ? fresh : stored, isFresh };
}
