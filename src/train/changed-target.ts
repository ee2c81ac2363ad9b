import type { RuntimeTarget } from "../engine/runtime/runtime.ts";

const describe = ({ device, threads, lowering, engine }: RuntimeTarget) =>
  `${engine} on ${device}, ${threads} ${threads === 1 ? "thread" : "threads"}, ${lowering} lowering`;

/**
 * The warning for a run that resumes on another machine, device, lowering or number of threads; undefined if nothing
 * changed.
 */
export const changedTarget = (before: RuntimeTarget, now: RuntimeTarget): string | undefined =>
  describe(before) === describe(now)
    ? undefined
    : `this run was on ${describe(before)} and continues with ${describe(now)}, so its bits will differ from those of an uninterrupted one`;
