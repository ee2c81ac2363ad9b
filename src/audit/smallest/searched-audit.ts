// The search for smallest radii as a part of an audit: in each norm, stored row by row.
import type { Victim } from "../../attacks/victim.ts";
import type { Dataset } from "../../data/dataset.ts";
import { StatedImages } from "../../data/image-checksum.ts";
import type { RowsFile } from "../../files/rows/rows-file.ts";
import { type AuditOptions, searchedNorms } from "../options.ts";
import { TimeIsUp, untilOver } from "../timed/time-is-up.ts";
import { effortOf } from "./radii-file.ts";
import { isComplete, type RadiusRow } from "./radius-row.ts";
import { type RadiusSearch, searchRadii } from "./search.ts";

/** The inputs of the search, and the destination of rows. */
export interface SearchedAudit {
  /** A deterministic network, for at most `options.batch` images at once, that throws once `signal` is aborted. */
  readonly victim: Victim;
  readonly dataset: Dataset;
  readonly options: AuditOptions;
  /** Where rows go; null if they are only returned. */
  readonly file: RowsFile<RadiusRow> | null;
  readonly signal: AbortSignal | undefined;
  /** Called with each image that changes class, before its row is written. */
  readonly inspect?: RadiusSearch["inspect"];
  /** For each norm whether its time is up; undefined without --minutes. */
  readonly limits?: readonly (() => boolean)[] | undefined;
}

/** Images that a timed search attacks at once. What a batch has found is lost when its time ends, so it is small. */
const TIMED_BATCH = 16;

/** One event per batch; `done` of `total` norms are finished. */
export interface SearchEvent {
  readonly event: "search";
  /** The rows of the batch. */
  readonly searched: readonly RadiusRow[];
  readonly done: number;
  readonly total: number;
}

/**
 * Searches in all norms of the audit. Yields new rows, and returns all; null if `signal` stopped it. Rows of a norm whose time ended
 * are of its first images.
 */
export async function* searchedAudit(
  audit: SearchedAudit,
): AsyncGenerator<SearchEvent, readonly RadiusRow[] | null, void> {
  const { victim, dataset, options, file, signal, inspect, limits } = audit;
  const { seed, batch } = options;
  const examples = Math.min(options.examples, dataset.test.size);
  const norms = searchedNorms(options);
  const rows =
    file === null ? [] : file.rows.filter((row) => row.index < examples && isComplete(row));
  const images = new StatedImages(dataset.test);
  try {
    await file?.prepare();
    for (const [done, norm] of norms.entries()) {
      const isOver = limits?.[done];
      const search = {
        victim: isOver === undefined ? victim : untilOver(victim, isOver),
        test: dataset.test,
        examples,
        batch: isOver === undefined ? batch : Math.min(batch, TIMED_BATCH),
        norm,
        seed,
        inspect,
        effort: effortOf(options),
      };
      const stored = rows.filter((row) => row.norm === norm);
      for await (const found of untilTimeIsUp(searchRadii(search, stored))) {
        const searched = found.map((row) =>
          Object.assign({}, row, { image: images.checksum(row.index) }),
        );
        await file?.append(searched);
        rows.push(...searched);
        yield { event: "search", searched, done, total: norms.length };
      }
    }
    return rows;
  } catch (error) {
    if (signal?.aborted) return null;
    throw error;
  }
}

/** What a search yields until its time is up. */
async function* untilTimeIsUp(
  search: AsyncGenerator<RadiusRow[], void, void>,
): AsyncGenerator<RadiusRow[], void, void> {
  try {
    yield* search;
  } catch (error) {
    if (!(error instanceof TimeIsUp)) throw error;
  }
}
