import type { Row } from "../evaluate/row.ts";

/** What a reproduction tells while it runs. */
export type ReproduceEvent =
  /** What is left to do and how long it will take, before anything is done. */
  | {
      readonly event: "cost";
      readonly seconds: number;
      readonly training: number;
      readonly evaluation: number;
      /** Cells left, of all. */
      readonly left: number;
      readonly cells: number;
    }
  /** A cell begins, or is found to be finished. */
  | { readonly event: "cell"; readonly cell: string; readonly finished: boolean }
  /** How far the cell is, in steps of training or in rows. */
  | {
      readonly event: "progress";
      readonly cell: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly event: "row"; readonly cell: string; readonly row: Row }
  /** A sentence for the reader. */
  | { readonly event: "note"; readonly text: string };
