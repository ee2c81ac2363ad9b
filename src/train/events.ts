import type { NoteCode } from "../math/note.ts";
import type { EpochMetrics } from "./metrics.ts";
import type { ValidationRow, Verdict } from "./validation-record.ts";

/** An event of a training run. `rampart train --json` prints all events but steps, one JSON object per line. */
export type TrainEvent =
  | {
      readonly event: "start";
      readonly epochs: number;
      /** Steps of the whole run. */
      readonly steps: number;
      /** Steps that were finished before a resume. */
      readonly step: number;
      /** The checkpoint that training resumes from; null for a new run. */
      readonly from: string | null;
    }
  | {
      readonly event: "step";
      readonly step: number;
      readonly steps: number;
      readonly epoch: number;
      readonly loss: number;
      readonly rate: number;
    }
  | ({ readonly event: "epoch" } & EpochMetrics)
  | { readonly event: "checkpoint"; readonly step: number; readonly path: string }
  | ({ readonly event: "validation"; readonly best: boolean } & ValidationRow)
  /** Training ended before its last epoch, at the best checkpoint. */
  | ({
      readonly event: "stopped";
      readonly step: number;
      readonly path: string;
    } & Verdict)
  | { readonly event: "warning"; readonly code: NoteCode; readonly message: string }
  | {
      readonly event: "interrupted";
      readonly step: number;
      readonly steps: number;
      readonly path: string;
      /** The best checkpoint so far, which is the model until the run continues; null if there is none. */
      readonly model: string | null;
    }
  | { readonly event: "done"; readonly step: number; readonly path: string };
