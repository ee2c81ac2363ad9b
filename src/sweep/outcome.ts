// The results of computing cells, and the events that are reported about them.
import type { Attempt, AttemptEnd } from "./attempts.ts";
import type { Cell } from "./cell.ts";

/** The end of a cell's computation. */
export type Outcome =
  | {
      readonly how: "done";
      readonly files: ReadonlyMap<string, Uint8Array>;
      /** Data that was left out of the files, by file. */
      readonly removed: Readonly<Record<string, unknown>>;
      /** Seconds of processor time, if known. */
      readonly processor?: number | undefined;
    }
  | {
      readonly how: "failed";
      readonly message: string;
      readonly code: string | null;
      readonly retry: boolean;
    }
  /** The attempt's files could not be written. They are kept, and the attempt continues once they can be written. */
  | { readonly how: "away"; readonly message: string }
  | { readonly how: "stopped" };

/** Computes a cell in the files of an attempt. Rejects only because of a bug in Rampart. */
export type Execute = (cell: Cell, attempt: Attempt, signal: AbortSignal) => Promise<Outcome>;

/** Events of cells, for progress and messages. */
export type SweepEvent =
  | {
      readonly event: "started";
      readonly cell: Cell;
      readonly attempt: number;
      /** The end of the previous attempt, if its worker has just been found dead. */
      readonly lost: AttemptEnd | null;
    }
  | {
      readonly event: "committed";
      readonly cell: Cell;
      readonly seconds: number;
      readonly processor?: number | undefined;
    }
  | {
      readonly event: "failed";
      readonly cell: Cell;
      readonly end: AttemptEnd;
      readonly final: boolean;
    }
  | { readonly event: "lost"; readonly cell: Cell }
  | { readonly event: "late"; readonly cell: Cell; readonly same: boolean }
  | { readonly event: "away"; readonly message: string }
  | { readonly event: "back"; readonly message: string };

/** The end of one try at a cell, for the worker that started it. */
export type Tried = "committed" | "known" | "held" | "failed" | "lost" | "stopped";
