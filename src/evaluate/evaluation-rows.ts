import type { Split } from "../data/dataset.ts";
import type { RowsFormat } from "../files/rows/rows-file.ts";
import type { OnNote } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import { resumedRows } from "./resumed.ts";
import type { Row } from "./row.ts";
import { differences, type Settings, storedSettings, targetDifferences } from "./settings.ts";

/**
 * The rows of an evaluation with these settings, of images of `test`. A file that was begun on another runtime is noted, since
 * its rows may differ in the last bits.
 */
export const evaluationRowsFormat = (
  settings: Settings,
  test: Split,
  note: OnNote,
): RowsFormat<Row> => ({
  settings,
  parse: (file, contents) => resumedRows(file, contents, test),
  checkSettings(file, text, rows) {
    const before = storedSettings(file, text);
    const differ = differences(settings, before);
    if (differ.length > 0)
      throw new UsageError(`${rows} was begun with other settings: ${differ.join(", ")}`, {
        code: "misfit",
        next: "resume with those, or choose another --out",
      });
    const target = targetDifferences(settings, before);
    if (target.length > 0)
      note({
        code: "other-target",
        text: `${rows} was begun with ${target.join(", ")}: its other rows may differ from these in the last bits`,
      });
  },
});
