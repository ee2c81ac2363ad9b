import type { Row } from "../evaluate/row.ts";
import type { Storage } from "../files/storage/storage.ts";

/** The rows of an evaluation: a list, or the storage that `evaluate` or `audit` wrote to. */
export type RowsSource = readonly Row[] | Storage;
