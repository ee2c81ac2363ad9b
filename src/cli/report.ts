import { z } from "zod";
import { reportTools } from "../audit/report-tools.ts";
import { UsageError } from "../math/usage-error.ts";
import { evaluationsOf } from "../report/evaluations.ts";
import { readRowsFile } from "../report/node.ts";
import { formats, report } from "../report/report.ts";
import { summaryTable } from "../report/text-table.ts";
import { command } from "./kit/command.ts";
import { writeOutput } from "./kit/outputs.ts";

/** `rampart report`: turns rows of evaluations into one page or a table. */
export const reportCommand = command({
  summary: "Turn rows of evaluations into one self-contained report.",
  options: z.strictObject({
    out: z
      .string()
      .optional()
      .describe(
        "file to write; - for standard output; by default report.html, and the terminal for the other formats",
      ),
    format: z.enum(formats).default("html").describe("format of the report"),
  }),
  positionals: ["rows..."],
  argumentsHelp: {
    rows: "files of rows that evaluate or audit wrote, .jsonl or .jsonl.gz; one or more",
  },
  files: { inputs: ["rows"], outputs: { out: "stream" } },
  examples: [
    "rampart report runs/standard.jsonl runs/at.jsonl --out report.html",
    "rampart report runs/at.jsonl --format md",
  ],
  async run({ rows: paths, out, format }, context) {
    const twice = paths.find((path, i) => paths.indexOf(path) !== i);
    if (twice !== undefined)
      throw new UsageError(`${twice} is given twice; name each file once`, {
        code: "bad-option",
      });
    const files = [];
    for (const path of paths) files.push(await readRowsFile(path));
    const evaluations = evaluationsOf(files, reportTools);
    const text = report(evaluations, format);
    const target = out ?? (format === "html" ? "report.html" : undefined);
    if (target !== undefined) await writeOutput(context, target, text);
    for (const { label, summary, notes } of evaluations) {
      const texts = notes.map(({ text }) => text);
      context.emit({ label, ...summary, notes: texts, noteCodes: notes.map(({ code }) => code) });
      for (const text of texts) context.note(`note: ${text}`);
    }
    if (target === undefined) {
      context.print(...text.trimEnd().split("\n"));
      return;
    }
    for (const { summary } of evaluations) context.print(...summaryTable(summary).split("\n"), "");
    context.print(`report: ${target}`);
    context.emit({ report: target, format });
  },
});
