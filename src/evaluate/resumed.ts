// The rows that a file already holds when an evaluation is resumed.
import type { Split } from "../data/dataset.ts";
import { StatedImages } from "../data/image-checksum.ts";
import { DamagedLine, readRowLines } from "../files/row-lines.ts";
import { rowProblem } from "../files/row-schema.ts";
import type { StoredRows } from "../files/rows/rows-file.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Row } from "./row.ts";
import { rowName } from "./runs.ts";

const advice = "delete that line and continue with --resume, or choose another --out";

/** The objects in the lines of a file. Drops an incomplete last line. Throws a `UsageError` that names a damaged line. */
export function readRows<R = Row>(file: string, contents: string): StoredRows<R> {
  try {
    const { rows, whole } = readRowLines(file, contents);
    return { rows: rows.map(({ value }) => value as R), whole };
  } catch (error) {
    if (error instanceof DamagedLine)
      throw new UsageError(error.message, { code: "bad-file", next: advice });
    throw error;
  }
}

/**
 * The rows of a resumed evaluation. Each line must be a row about an image of the test split, with its label, its file and its
 * pixels. An image has at most one row per attack. Throws a `UsageError` that names the wrong line.
 */
export function resumedRows(file: string, contents: string, test: Split): StoredRows<Row> {
  const { rows, whole } = readRows<Row>(file, contents);
  const lines = whole.split("\n").flatMap((text, i) => (text.trim() === "" ? [] : [i + 1]));
  const images = new StatedImages(test);
  const seen = new Map<string, number>();
  for (const [i, row] of rows.entries()) {
    const refuse = (why: string) =>
      new UsageError(`${file}:${lines[i]} is not a row of this evaluation: ${why}`, {
        code: "bad-file",
        next: advice,
      });
    const problem = rowProblem(row);
    if (problem !== undefined) throw refuse(problem);
    images.require(row, `${file}:${lines[i]} is not a row of this evaluation`);
    const before = seen.get(rowName(row));
    if (before !== undefined)
      throw refuse(`line ${before} is already the row of image ${row.index} under ${row.attack}`);
    seen.set(rowName(row), lines[i]);
  }
  return { rows, whole };
}
