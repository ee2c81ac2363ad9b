// The clock of an audit with --minutes: what it bounds, and what it does not.
import type { Row } from "../../evaluate/row.ts";
import type { WorkLease } from "../../files/lease/lease.ts";
import type { Note } from "../../math/note.ts";
import { counted } from "../../report/format.ts";
import type { AuditRequest } from "../audit-request.ts";
import type { AuditOptions } from "../options.ts";
import { CONVERGENCE, convergenceText, storedConvergence } from "./stored-convergence.ts";
import { type TimedAttacks, type TimedRequest, timedAttacks } from "./timed-attacks.ts";

/** An audit that may be timed, and where it is stored. */
interface TimedAudit {
  readonly options: AuditOptions;
  readonly audit: Pick<AuditRequest, "out" | "resume">;
  readonly lease: WorkLease | null;
  /** The file of its rows. */
  readonly rowsName: string;
  readonly request: TimedRequest;
}

/**
 * The timed attacks of an audit; null if it has a budget. A resumed audit knows how far the attacks came whose rows are stored.
 * Throws `UsageError`.
 */
export async function openTimedAttacks(given: TimedAudit): Promise<TimedAttacks | null> {
  const { options, audit, lease, rowsName, request } = given;
  const { out, resume = false } = audit;
  if (options.minutes === undefined || out === undefined) return timedAttacks(options, request);
  const examples = Math.min(options.examples, request.images);
  const isBegun = resume && ((await out.readIfThere(rowsName))?.length ?? 0) > 0;
  return timedAttacks(options, request, undefined, {
    before: isBegun ? await storedConvergence(out, examples) : [],
    async store(balls) {
      await lease?.check();
      await out.write(CONVERGENCE, convergenceText(examples, balls));
    },
  });
}

/** Images of a probe without a limit, and the fewest that tell anything. */
const [MOST_PROBED, LEAST_PROBED] = [32, 8];
/** Passes of the probe per image: APGD with 5 and 20 steps and two losses at each radius, and 20 steps at a huge radius. */
const PASSES = { radius: 50, huge: 40 };

/**
 * How many images the probe looks at: as many as the time that is left allows, by the seconds per pass of the attacks. Without
 * --minutes, and where no attack took time, all that it may.
 */
export function probedImages(timed: TimedAttacks | null, rows: readonly Row[], radii: number) {
  const passes = rows.reduce((sum, { queries }) => sum + queries, 0);
  const seconds = rows.reduce((sum, row) => sum + row.seconds, 0);
  if (timed === null || passes === 0 || seconds === 0) return MOST_PROBED;
  const perImage = (seconds / passes) * (radii * PASSES.radius + PASSES.huge);
  const affordable = Math.floor(timed.secondsLeft() / perImage);
  return Math.min(MOST_PROBED, Math.max(LEAST_PROBED, affordable));
}

/** Exceeding the time by less is not worth a note. */
const SLACK = 0.1;

/** A note if the audit took longer than its minutes. */
export function exceededNote(
  timed: TimedAttacks | null,
  minutes: number | undefined,
): Note | undefined {
  if (timed === null || minutes === undefined) return undefined;
  const over = -timed.secondsLeft() / 60;
  if (over <= SLACK * minutes) return undefined;
  return {
    code: "time-budget",
    text: `the audit took ${(minutes + over).toFixed(1)} minutes instead of ${minutes}: attacks and searches end in time, but each image is classified and differentiated once, each norm's result is scored, and the diagnostics look at ${counted(LEAST_PROBED, "image")} or more; use fewer --examples`,
  };
}
