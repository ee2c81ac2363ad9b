// The search for smallest radii as a part of an audit: in each norm, stored row by row.
import type { Victim } from "../../attacks/victim.ts";
import type { Dataset } from "../../data/dataset.ts";
import { RowsFile } from "../../files/rows/rows-file.ts";
import type { Storage } from "../../files/storage/storage.ts";
import type { OnNote } from "../../math/note.ts";
import { type AuditOptions, searchedNorms } from "../options.ts";
import { isComplete, type RadiusRow, radiusFormat } from "./radius-row.ts";
import { type RadiusSearch, searchEfforts, searchRadii } from "./search.ts";

/** The file of searches in an audit's storage. */
const RADII = "radii.jsonl";

/** The inputs of the search, and the destination of rows. */
export interface SearchedAudit {
  /** A deterministic network, for at most `options.batch` images at once, that throws once `signal` is aborted. */
  readonly victim: Victim;
  readonly dataset: Dataset;
  readonly options: AuditOptions;
  readonly out: Storage | undefined;
  readonly resume: boolean;
  readonly note: OnNote;
  readonly signal: AbortSignal | undefined;
  /** Called with each image that changes class, before its row is written. */
  readonly inspect?: RadiusSearch["inspect"];
}

/** One event per batch; `done` of `total` norms are finished. */
export interface SearchEvent {
  readonly event: "search";
  /** The rows of the batch. */
  readonly searched: readonly RadiusRow[];
  readonly done: number;
  readonly total: number;
}

/** Searches in all norms of the audit. Yields new rows, and returns all; null if `signal` stopped it. */
export async function* searchedAudit(
  audit: SearchedAudit,
): AsyncGenerator<SearchEvent, readonly RadiusRow[] | null, void> {
  const { victim, dataset, options, out: storage, resume, note, signal, inspect } = audit;
  const { seed, batch, budget, minutes } = options;
  const examples = Math.min(options.examples, dataset.test.size);
  const norms = searchedNorms(options);
  const shared = { resume, note, signal };
  const file =
    storage === undefined
      ? null
      : await RowsFile.open(Object.assign({ name: RADII, format: radiusFormat, storage }, shared));
  const rows =
    file === null ? [] : file.rows.filter((row) => row.index < examples && isComplete(row));
  try {
    for (const [done, norm] of norms.entries()) {
      const search = {
        victim,
        test: dataset.test,
        examples,
        batch,
        norm,
        seed,
        inspect,
        effort: searchEfforts[minutes === undefined ? budget : "quick"],
      };
      const stored = rows.filter((row) => row.norm === norm);
      for await (const searched of searchRadii(search, stored)) {
        await file?.append(searched);
        rows.push(...searched);
        yield { event: "search", searched, done, total: norms.length };
      }
    }
    return rows;
  } catch (error) {
    if (signal?.aborted) return null;
    throw error;
  } finally {
    await file?.close();
  }
}
