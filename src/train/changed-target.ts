import type { RuntimeTarget } from "../engine/runtime/runtime.ts";

const text = ({ device, threads, lowering, engine }: RuntimeTarget) =>
  `${engine} on ${device}, ${threads} ${threads === 1 ? "thread" : "threads"}, ${lowering} lowering`;

/** What to say when a run goes on elsewhere than it was; undefined if nothing changed. */
export const changedTarget = (before: RuntimeTarget, now: RuntimeTarget): string | undefined =>
  text(before) === text(now)
    ? undefined
    : `this run was on ${text(before)} and goes on with ${text(now)}, so its bits will differ from those of an uninterrupted one`;
