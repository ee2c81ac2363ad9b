// What `rampart sweep` and `rampart worker` print about cells.
import { z } from "zod";
import { spoken } from "../paper/cost.ts";
import type { SweepEvent } from "../sweep/outcome.ts";
import type { FailedCell, SweepStatus } from "../sweep/status.ts";
import type { Context } from "./kit/command.ts";
import type { Progress } from "./kit/progress.ts";

/** Exit codes of cells that failed: one with a bug of ours, or for reasons that the user can fix. */
const OUR_BUG = 1;
const USER_CAN_FIX = 2;

/** The exit code of a sweep with failed cells; 0 without. */
export function failureCode(failed: readonly Pick<FailedCell, "code">[]): number {
  if (failed.length === 0) return 0;
  return failed.some(({ code }) => code === null) ? OUR_BUG : USER_CAN_FIX;
}

/** Seconds without a heartbeat, see `WorkersOptions`. */
export const Patience = z
  .number()
  // Heartbeats are a second apart.
  .min(2)
  .default(60)
  .describe(
    "seconds without a heartbeat after which a worker on another machine counts as dead; must exceed the time for which a network file system caches attributes",
  );

/** One line per failed cell: what failed, and why. */
export const failedLines = (failed: readonly FailedCell[]): string[] =>
  failed.map(
    ({ label, message, attempts }) =>
      `failed: ${label}, after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}: ${message.split("\n")[0]}`,
  );

/** The lines of `--status`. */
export function statusLines({
  asked,
  cells,
  done,
  running,
  lost,
  failed,
  blocked,
  waiting,
  secondsDone,
  secondsLeft,
  flopsLeft,
}: SweepStatus): string[] {
  const counts = [
    `${done} of ${cells} cells done`,
    `${running.length} running`,
    `${waiting} waiting`,
    `${failed.length} failed`,
  ];
  if (blocked > 0) counts.push(`${blocked} blocked by them`);
  const lines = [counts.join(", ")];
  if (asked !== "run")
    lines.push(
      asked === "pause"
        ? "paused: workers start no cell"
        : "draining: workers end after their cell",
    );
  for (const { label, owner, attempt, state } of running) {
    const pace =
      state === null
        ? ""
        : `, since ${state.started}, ${state.done}/${state.total}${state.seconds > 0 ? ` (${(state.done / state.seconds).toFixed(2)}/s)` : ""}`;
    lines.push(`running: ${label} on ${owner}, attempt ${attempt}${pace}`);
  }
  for (const { label, owner, attempt } of lost)
    lines.push(
      `lost: ${label}, attempt ${attempt}: ${owner} was killed; the next worker continues it`,
    );
  lines.push(...failedLines(failed));
  const left =
    secondsLeft === null ? "unknown until a cell of each kind is done" : spoken(secondsLeft);
  const worked = done === 0 ? "no cell is done yet" : `worked for ${spoken(secondsDone)}`;
  lines.push(
    `${worked}; left for one worker: ${done === cells ? "nothing" : `${left}, ${(flopsLeft / 1e12).toPrecision(3)} TFLOP`}`,
  );
  return lines;
}

/** Reports the events of workers. */
export function reporter(
  onCell: (event: Exclude<SweepEvent, { readonly message: string }>) => void,
  bar: Progress,
  context: Context,
) {
  return (event: SweepEvent): void => {
    if (event.event === "away" || event.event === "back") {
      bar.log(event.message);
      return;
    }
    const { key, label } = event.cell;
    const took =
      event.event === "committed" ? { seconds: event.seconds, processor: event.processor } : {};
    context.emit(Object.assign({ event: event.event, cell: key, label }, took));
    onCell(event);
    if (event.event === "started" && event.lost !== null)
      bar.log(
        `${label}: ${event.lost.owner} was killed, or made no progress for too long; attempt ${event.attempt} continues from its files`,
      );
    if (event.event === "lost") bar.log(`${label}: another worker has taken over`);
    if (event.event === "late")
      bar.log(
        event.same
          ? `${label}: another worker finished first, with the same result`
          : `${label}: another worker finished first, with a different result; this one is dropped. Are both machines of the same kind?`,
      );
    if (event.event === "failed")
      bar.log(
        `${label} failed${event.final ? "" : "; it will be tried again"}: ${event.end.message}`,
      );
  };
}
