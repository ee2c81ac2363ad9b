// Results without their times, so that they are equal for all workers.
import { readRowLines, rowLine } from "../../files/row-lines.ts";

/** Rows with their seconds set to 0, and the original seconds. */
export interface UntimedRows {
  readonly bytes: Uint8Array;
  readonly seconds: readonly number[];
}

/** Sets the field `seconds` of every line to 0. Throws `DamagedLine` for a damaged line. */
export function untimedRows(file: string, bytes: Uint8Array): UntimedRows {
  const { rows } = readRowLines(file, new TextDecoder().decode(bytes));
  const seconds: number[] = [];
  const lines = rows.map(({ value }) => {
    const row = value as { seconds?: number };
    seconds.push(row.seconds ?? 0);
    return rowLine(Object.assign({}, row, "seconds" in row ? { seconds: 0 } : {}));
  });
  return { bytes: new TextEncoder().encode(lines.join("")), seconds };
}
