import type { Defense } from "../defenses/table.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { OnNote } from "../math/note.ts";
import type { Architecture } from "../models/architecture.ts";

/** Where a run is kept and how it is computed. None of it changes results, except in the last bits. */
export interface NodeTraining {
  /** The run directory. */
  readonly out: string;
  readonly resume?: boolean;
  readonly device?: string;
  readonly threads?: number;
  readonly dataDir?: string | undefined;
  readonly signal?: AbortSignal;
  readonly checkpointSeconds?: number;
  /** The command as typed, for the record. */
  readonly command?: string;
  /** Receives a note while the run waits to see whether another process still works in its directory. */
  readonly note?: OnNote | undefined;
  /** The caller's own defence and network, whose names are in the options; a resumed run needs them again. */
  readonly ownDefense?: Defense;
  readonly ownModel?: Architecture;
  /** Replaces `device` and `threads`. */
  readonly runtime?: Runtime;
}
