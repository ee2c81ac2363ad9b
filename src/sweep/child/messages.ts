import type { RuntimeTarget } from "../../engine/runtime/runtime.ts";
import type { Cell } from "../cell.ts";

/** Messages from a worker to the process that computes its cells. */
export type ToChild =
  | {
      readonly type: "run";
      readonly cell: Cell;
      /** The definitions of the cell's inputs. */
      readonly inputs: readonly Cell[];
      readonly attempt: number;
      /** The attempt whose files are copied first; null to continue with the cell's own. */
      readonly before: number | null;
    }
  | { readonly type: "stop" };

/** The setup of that process. */
export interface ChildSetup {
  readonly store: string;
  readonly target: RuntimeTarget;
  readonly dataDir: string | undefined;
  readonly plugins: readonly string[];
  /** The folder that paths are relative to; undefined for the folder of the worker. */
  readonly folder?: string | undefined;
}

/** Messages from that process. The files of a finished cell are in the attempt, under `out/`. */
export type FromChild =
  | { readonly type: "ready" }
  | { readonly type: "note"; readonly text: string }
  | { readonly type: "progress"; readonly done: number; readonly total: number }
  | {
      readonly type: "done";
      readonly names: readonly string[];
      readonly removed: Readonly<Record<string, unknown>>;
      /** Seconds of processor time that the cell took, on all threads. */
      readonly processor: number;
    }
  | { readonly type: "stopped" }
  | {
      readonly type: "failed";
      readonly message: string;
      readonly code: string | null;
      readonly away: boolean;
    };

/** The folder of an attempt that holds the files of its result. */
export const OUT_FOLDER = "out";
