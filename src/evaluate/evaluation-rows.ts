import type { Split } from "../data/dataset.ts";
import type { RowsFormat } from "../files/rows/rows-file.ts";
import type { OnNote } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import { resumedRows } from "./resumed.ts";
import type { Row } from "./row.ts";
import { differences, type Settings, storedSettings, targetDifferences } from "./settings.ts";

/**
 * The file format of an evaluation's rows: parses stored rows against `test`, and rejects a file with other settings. Another
 * runtime or version gives a note, since its rows may differ in the last bits.
 */
export const evaluationRowsFormat = (
  settings: Settings,
  test: Split,
  note: OnNote,
): RowsFormat<Row> => ({
  settings,
  parse: (file, contents) => resumedRows(file, contents, test),
  checkSettings({ file, text, rows }) {
    const before = storedSettings(file, text);
    const differ = differences(settings, before);
    if (differ !== null)
      throw new UsageError(
        `${rows} holds rows with ${differ.before}, but this run has ${differ.now}`,
        { code: "misfit", next: "use the stored settings, or choose another --out" },
      );
    const target = targetDifferences(settings, before);
    if (target !== null)
      note({
        code: "other-target",
        text: `${rows} was begun with ${target.before}; this run uses ${target.now}. Old and new rows may differ in the last bits.`,
      });
  },
});
