import { z } from "zod";
import { reportTools } from "../audit/report-tools.ts";
import { comparedResults } from "../report/compared-results.ts";
import { comparisonOf } from "../report/comparison.ts";
import { comparisonRecord, comparisonReport } from "../report/comparison-report.ts";
import { comparisonLines } from "../report/comparison-text.ts";
import { readResultFile } from "../report/node.ts";
import { comparisonFormats } from "../report/report-format.ts";
import { command } from "./kit/command.ts";
import { writeOutput } from "./kit/outputs.ts";

/** Exit code if an accuracy dropped by more than --max-drop, or a result is invalid. */
const DROPPED = 3;

/** The file to write; undefined where the comparison is only printed. */
function targetOf(out: string | undefined, format: string | undefined): string | undefined {
  return out ?? (format === "html" ? "comparison.html" : undefined);
}

/** `rampart compare`: what changed between two results, image by image? */
export const compareCommand = command({
  summary: "Compare two results image by image: which accuracies changed, and could it be chance?",
  options: z.strictObject({
    maxDrop: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        "exit with code 3 if clean accuracy, or accuracy under all attacks (largest radii), drops by more than this share; the point estimate decides",
      ),
    out: z
      .string()
      .optional()
      .describe(
        "file to write; - for standard output; by default comparison.html for --format html, and otherwise the terminal",
      ),
    format: z
      .enum(comparisonFormats)
      .optional()
      .describe("format of the comparison; html with --out, otherwise plain text"),
    seed: z.int().nonnegative().default(0).describe("seed of the bootstrap"),
  }),
  positionals: ["before", "after"],
  argumentsHelp: {
    before: "folder of an audit, or a file of rows that evaluate wrote",
    after: "the same for the model to compare with it",
  },
  files: { inputs: ["before", "after"], outputs: { out: "stream" } },
  examples: [
    "rampart compare audit-1 audit-2",
    "rampart compare audit-1 audit-2 --max-drop 0.02 --out comparison.html",
    "rampart compare runs/standard.jsonl runs/at.jsonl --format md",
  ],
  async run({ before, after, maxDrop, out, format, seed }, context) {
    const files = [await readResultFile(before), await readResultFile(after)];
    const results = comparedResults(files[0], files[1], reportTools);
    const comparison = comparisonOf(...results, { seed, maxDrop });
    const target = targetOf(out, format);
    if (target !== undefined || format !== undefined) {
      const evaluations = results.map(({ evaluation }) => evaluation);
      const text = comparisonReport(comparison, evaluations, format ?? "html");
      if (target === undefined) context.print(...text.trimEnd().split("\n"));
      else await writeOutput(context, target, text);
    }
    context.emit(comparisonRecord(comparison));
    for (const { text } of comparison.notes) context.note(`note: ${text}`);
    if (format === undefined || target !== undefined)
      if (target !== "-") context.print(...comparisonLines(comparison));
    if (target !== undefined && target !== "-") {
      context.print("", `comparison: ${target}`);
      context.emit({ comparison: target, format: format ?? "html" });
    }
    if (comparison.drop?.passed === false) context.exitWith(DROPPED);
  },
});
