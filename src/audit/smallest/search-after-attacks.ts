// The search for smallest radii after the attacks of an audit, and the images that the search breaks inside their balls.
import type { Victim } from "../../attacks/victim.ts";
import type { Row } from "../../evaluate/row.ts";
import type { RowsFile } from "../../files/rows/rows-file.ts";
import type { AuditRequest } from "../audit-request.ts";
import { SEARCH } from "../checks.ts";
import type { DiagnosticRunner } from "../diagnostic-runner.ts";
import type { AuditedModel } from "../open-audited.ts";
import { type AuditOptions, searchedNorms } from "../options.ts";
import type { LowerBounds } from "../prove/lower-bounds.ts";
import type { TimedAttacks } from "../timed/timed-attacks.ts";
import type { RadiusRow } from "./radius-row.ts";
import type { FoundImage } from "./search.ts";
import { rowsInBalls, rowsOfFound } from "./search-attack.ts";
import { type SearchEvent, searchedAudit } from "./searched-audit.ts";

/** An audit whose attacks have run. */
interface AttackedAudit {
  readonly options: AuditOptions;
  readonly audit: AuditRequest;
  readonly audited: AuditedModel;
  readonly victim: Victim;
  /** The noise of a randomised classifier, for which no search runs. */
  readonly noise: string | null;
  /** The rows of all attacks. */
  readonly rows: readonly Row[];
  /** Where searches are stored; null if they are only returned. */
  readonly radii: RowsFile<RadiusRow> | null;
  readonly lower: LowerBounds | null;
  /** The clock of an audit with --minutes; null without it. */
  readonly timed: TimedAttacks | null;
  readonly runner: DiagnosticRunner;
}

/** The results of a search. */
export interface Searched {
  /** The rows of the search; null if no search ran, or if it was stopped or failed. */
  readonly searched: readonly RadiusRow[] | null;
  /**
   * What attacks in other balls found, and the search, each as one more attack in the balls in which it broke images that
   * survived every attack.
   */
  readonly attack: readonly Row[];
  /** Rows of all images that the search broke, at any radius. */
  readonly found: readonly Row[];
}

/** Searches for the smallest radii of a deterministic network. A failure is recorded in `runner`. */
export async function* searchAfterAttacks(
  attacked: AttackedAudit,
): AsyncGenerator<SearchEvent, Searched, void> {
  const { options, audit, audited, victim, noise, rows, radii, lower, timed, runner } = attacked;
  const nothing = { searched: null, attack: rowsInBalls(rows, []), found: [] };
  if (noise !== null || searchedNorms(options).length === 0) return nothing;
  const { signal } = audit;
  const { dataset } = audited;
  const inspect = async ({ row, original, adversarial }: FoundImage): Promise<void> => {
    for (const found of rowsOfFound(rows, [row]))
      await lower?.inspect({ row: found, original, adversarial, last: true });
  };
  try {
    const limits = timed?.searchLimits(searchedNorms(options).length);
    const search = { victim, dataset, options, file: radii, signal, inspect, limits };
    const searched = yield* searchedAudit(search);
    if (searched === null) return nothing;
    return {
      searched,
      attack: rowsInBalls(rows, searched),
      found: rowsOfFound(rows, searched),
    };
  } catch (error) {
    runner.record(SEARCH, error);
    return nothing;
  }
}
