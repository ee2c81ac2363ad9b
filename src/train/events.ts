import type { NoteCode } from "../math/note.ts";
import type { EpochMetrics } from "./metrics.ts";

/** What happens during training, in order; `rampart train --json` prints them as they are, except steps. */
export type TrainEvent =
  | {
      readonly event: "start";
      readonly epochs: number;
      /** Steps of the whole run, and those that an earlier run has done. */
      readonly steps: number;
      readonly step: number;
      /** The checkpoint that training goes on from; null for a new run. */
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
  | { readonly event: "warning"; readonly code: NoteCode; readonly message: string }
  | {
      readonly event: "interrupted";
      readonly step: number;
      readonly steps: number;
      readonly path: string;
    }
  | { readonly event: "done"; readonly step: number; readonly path: string };
