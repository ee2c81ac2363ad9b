import type { z } from "zod";
import { DamagedLine, readRowLines } from "../../files/row-lines.ts";
import type { RowsFormat } from "../../files/rows/rows-file.ts";
import { UsageError } from "../../math/usage-error.ts";

/**
 * The format of self-contained rows, which need no file of settings. `what` describes a row in words.
 */
export const statedRows = <R extends object>(
  schema: z.ZodType<R>,
  what: string,
): RowsFormat<R> => ({
  parse(file, contents) {
    const refuse = (why: string) =>
      new UsageError(why, { code: "bad-file", next: "choose another --out" });
    try {
      const { rows, whole } = readRowLines(file, contents);
      const parsed = rows.map(({ line, value }) => {
        const { data } = schema.safeParse(value);
        if (data === undefined) throw refuse(`${file}:${line} is not a row about a ${what}`);
        return data;
      });
      return { rows: parsed, whole };
    } catch (error) {
      if (error instanceof DamagedLine) throw refuse(error.message);
      throw error;
    }
  },
});
