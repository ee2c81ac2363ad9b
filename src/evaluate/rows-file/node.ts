// The .jsonl file of an evaluation, with the settings and images beside it.
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Split } from "../../data/dataset.ts";
import { leaseWork, type WorkLease } from "../../files/lease/node.ts";
import { makeFolder, writeWhole, writing } from "../../files/node.ts";
import { readBytesIfThere, readTextIfThere } from "../../files/read/node.ts";
import { rowLine } from "../../files/row-lines.ts";
import { appendRows, readRowsText, requireUnpacked, truncateRows } from "../../files/rows/node.ts";
import { sealedJson } from "../../files/sealed.ts";
import type { OnNote } from "../../math/note.ts";
import { UsageError } from "../../math/usage-error.ts";
import { resumedRows } from "../resumed.ts";
import type { Row } from "../row.ts";
import { differences, type Settings, storedSettings, targetDifferences } from "../settings.ts";

/** The name of a file beside the rows: `ROWS.jsonl` → `ROWS.settings.json`. */
export const beside = (out: string, suffix: string): string =>
  `${out.replace(/\.jsonl$/, "")}.${suffix}`;

/** How a file of rows is opened. */
export interface RowsFileOptions {
  /** The .jsonl file. */
  readonly out: string;
  /** Whether the file may hold rows already. */
  readonly resume: boolean;
  readonly settings: Settings;
  /** The test images that rows are about. */
  readonly test: Split;
  readonly note: OnNote;
  readonly signal?: AbortSignal | undefined;
}

/** A file of rows under a lease, which keeps other processes from writing to it. Close it, whatever happens. */
export class RowsFile {
  /** The rows that the file held when it was opened. */
  readonly rows: readonly Row[];
  private readonly out: string;
  private readonly settings: Settings;
  private readonly lease: WorkLease;

  private constructor(rows: readonly Row[], { out, settings }: RowsFileOptions, lease: WorkLease) {
    this.rows = rows;
    this.out = out;
    this.settings = settings;
    this.lease = lease;
  }

  /** Takes the lease and reads the rows so far. Throws `UsageError` if the file is in use, damaged, or of another evaluation. */
  static async open(options: RowsFileOptions): Promise<RowsFile> {
    const { out, note, signal } = options;
    requireUnpacked(out);
    const lease = await leaseWork({
      prefix: `${out}.lease`,
      owned: out,
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

  /** The images kept so far, an .npz; undefined if there are none. */
  async images(): Promise<Uint8Array | undefined> {
    if (this.rows.length === 0) return undefined;
    return (await readBytesIfThere(beside(this.out, "examples.npz"))) ?? undefined;
  }

  /** Makes the folder. Of a file without rows, writes the settings and removes images of rows that are gone. */
  async prepare(): Promise<void> {
    await writing(this.out, makeFolder(dirname(this.out)));
    if (this.rows.length > 0) return;
    await rm(beside(this.out, "examples.npz"), { force: true });
    await writeWhole(beside(this.out, "settings.json"), sealedJson(this.settings));
  }

  /** Throws once the lease is lost. */
  async check(): Promise<void> {
    await this.lease.check();
  }

  async writeImages(npz: Uint8Array): Promise<void> {
    await writeWhole(beside(this.out, "examples.npz"), npz);
  }

  async append(row: Row): Promise<void> {
    await appendRows(this.out, rowLine(row));
  }

  async close(): Promise<void> {
    await this.lease.release();
  }
}

/** The rows of a file that is resumed, which is cut after its last whole line; none for a new file. */
async function rowsBefore({
  out,
  resume,
  settings,
  test,
  note,
}: RowsFileOptions): Promise<readonly Row[]> {
  const settingsFile = beside(out, "settings.json");
  const stored = await readTextIfThere(settingsFile);
  const contents = await readRowsText(out);
  if (contents === null) return [];
  if (!resume)
    throw new UsageError(
      `${out} already holds rows; go on with them by --resume, or choose another --out`,
      { code: "in-use" },
    );
  if (stored === null)
    throw new UsageError(
      `${out} has no settings beside it, so nobody knows what its rows are; choose another --out`,
      { code: "not-found" },
    );
  const before = storedSettings(settingsFile, stored);
  const differ = differences(settings, before);
  if (differ.length > 0)
    throw new UsageError(`${out} was begun with other settings: ${differ.join(", ")}`, {
      code: "misfit",
      next: "resume with those, or choose another --out",
    });
  const target = targetDifferences(settings, before);
  if (target.length > 0)
    note({
      code: "other-target",
      text: `${out} was begun with ${target.join(", ")}: its other rows may differ from these in the last bits`,
    });
  const { rows, whole } = resumedRows(out, contents, test);
  if (whole.length < contents.length) await truncateRows(out, Buffer.byteLength(whole));
  return rows;
}
