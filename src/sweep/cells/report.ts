import { z } from "zod";
import { parseNpz } from "../../data/npz.ts";
import { summarize } from "../../evaluate/summary.ts";
import type { RowsFile } from "../../report/evaluation.ts";
import { evaluationsOf } from "../../report/evaluations.ts";
import { readRows } from "../../report/read-rows.ts";
import { report } from "../../report/report.ts";
import type { CellWork } from "../cell.ts";
import type { CellContext, CellResult } from "./context.ts";
import { IMAGES, ROWS, SETTINGS } from "./evaluate.ts";
import { PRUNED } from "./pruned.ts";

/** The evaluations of a report. Each consists of several ranges of images, in order. */
export const ReportOptions = z.strictObject({
  evaluations: z
    .array(z.strictObject({ name: z.string(), ranges: z.array(z.string()).min(1) }))
    .min(1),
});

/** The rows of an evaluation's ranges as one file of rows. */
async function rowsOf(
  { name, ranges }: z.output<typeof ReportOptions>["evaluations"][number],
  { input }: CellContext,
): Promise<RowsFile> {
  const decoder = new TextDecoder();
  const file = `${name}.jsonl`;
  const texts: string[] = [];
  for (const key of ranges) texts.push(decoder.decode(await input(key, ROWS)));
  const [first] = ranges;
  return {
    file,
    ...readRows(file, texts.join("")),
    settings: decoder.decode(await input(first, SETTINGS)),
    // Images are kept only for the first test images, which are in the first range.
    examples: await input(first, IMAGES).catch(() => null),
  };
}

/** One report of all evaluations: `report.html`, `report.md` and `report.json`. */
export async function runReport({ options }: CellWork, context: CellContext): Promise<CellResult> {
  const { evaluations } = ReportOptions.parse(options);
  const files: RowsFile[] = [];
  for (const one of evaluations) {
    // A model whose training was stopped early has no rows.
    const pruned = await context.input(one.ranges[0], PRUNED).catch(() => null);
    if (pruned === null) files.push(await rowsOf(one, context));
  }
  const read = evaluationsOf(files, { summarize, parseNpz });
  const encoder = new TextEncoder();
  return {
    files: new Map(
      (["html", "md", "json"] as const).map((format) => [
        `report.${format}`,
        encoder.encode(report(read, format)),
      ]),
    ),
    removed: {},
  };
}
