import type { Row } from "../evaluate/row.ts";

/** Stored results of one defence. */
export interface DefenseResult {
  readonly noise: string | null;
  /** Rows by kind of measurement. */
  readonly rows: Readonly<Record<string, readonly Row[]>>;
  /** Seconds of training; null if unknown. */
  readonly seconds: number | null;
  /** Floating-point operations of training; null if unknown. */
  readonly flops: number | null;
}
