import type { Row } from "../evaluate/row.ts";
import type { NoteCode } from "../math/note.ts";

/** The first event: the work that is left, and an estimate of its duration. */
export interface CostEvent {
  readonly event: "cost";
  /** Seconds of training and evaluation together. */
  readonly seconds: number;
  /** Seconds of training. */
  readonly training: number;
  /** Seconds of evaluation, an upper bound: C&W usually ends most of its searches early. */
  readonly evaluation: number;
  /** Unfinished cells. */
  readonly left: number;
  /** All cells. */
  readonly cells: number;
}

/** An event of a running reproduction. */
export type ReproduceEvent =
  | CostEvent
  /** A cell begins, or was finished before. */
  | { readonly event: "cell"; readonly cell: string; readonly finished: boolean }
  /** Progress within a cell, in training steps, rows or images. */
  | {
      readonly event: "progress";
      readonly cell: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly event: "row"; readonly cell: string; readonly row: Row }
  /** A sentence for the reader. */
  | { readonly event: "note"; readonly code: NoteCode; readonly text: string };
