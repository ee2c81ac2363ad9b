import type { Row } from "../evaluate/row.ts";
import type { Storage } from "../files/storage/storage.ts";
import { has } from "./checks.ts";

/** The rows of an evaluation: a list, or the storage that `evaluate` or `audit` wrote to. */
export type RowsSource = readonly Row[] | Storage;

/** Whether a value is a list of rows, or a storage. */
export const isSource = (value: unknown): value is RowsSource =>
  (Array.isArray(value) && value.length > 0) || has(value, "readIfThere");
