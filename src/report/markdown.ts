import { present } from "../math/defined.ts";
import { type AccuracyTable, accuracyTables, type Cell } from "./accuracy-table.ts";
import { type Evaluation, noteTexts } from "./evaluation.ts";
import { counted, percent, range } from "./format.ts";
import { judgement } from "./sections/accuracy.ts";
import { curveName, verdict } from "./sections/eot.ts";

/** Text on one line, with all Markdown syntax escaped. */
const plain = (text: string): string =>
  text.replace(/\s+/g, " ").replace(/[\\`*_{}[\]()<>#|~&!]/g, (letter) => `\\${letter}`);

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

const shown = (cell: Cell | undefined, examples: number): string => {
  if (cell === undefined) return "–";
  const fewer = cell.examples === examples ? "" : ` (${counted(cell.examples, "image")})`;
  return (
    percent(cell.mean) + (cell.interval === null ? "" : ` \\[${range(cell.interval)}\\]`) + fewer
  );
};

function tableText({ data, protocol, columns, lines }: AccuracyTable): string {
  const heads = columns.map(({ title, detail }) =>
    plain(detail === "" ? title : `${title}, ${detail}`),
  );
  const curves = lines.flatMap(({ evaluation }) =>
    evaluation.summary.eotCurves.map((curve) =>
      plain(
        `EOT draws, ${evaluation.label} under ${curveName(curve)}, ${protocol} protocol: ${verdict(curve)}.`,
      ),
    ),
  );
  const remark =
    protocol === "published"
      ? "Published protocol: C&W has no bound, and randomised models are scored without their noise."
      : undefined;
  return [
    `## Accuracy on ${plain(data)}, ${protocol} protocol`,
    "",
    line(["model", "defence", "judged", "images", ...heads]),
    line(["---", "---", "---", "---:", ...heads.map(() => "---:")]),
    ...lines.map(({ evaluation, cells }) => {
      const { summary, label } = evaluation;
      return line([
        plain(label),
        plain(summary.defense),
        plain(judgement(evaluation)),
        String(summary.examples),
        ...columns.map(({ key }) => shown(cells.get(key), summary.examples)),
      ]);
    }),
    "",
    "95 % intervals in brackets. Union: accuracy under the strongest attack on each image. Min of means: the lowest of the attacks' accuracies, an upper bound.",
    ...present([remark]),
    ...curves,
    "",
  ].join("\n");
}

/** The tables of models × attacks in Markdown, followed by notes on missing parts. */
export function markdown(evaluations: readonly Evaluation[]): string {
  const notes = noteTexts(evaluations);
  const missing =
    notes.length === 0 ? [] : [`${notes.map((note) => `- ${plain(note)}`).join("\n")}\n`];
  return [...accuracyTables(evaluations).map(tableText), ...missing].join("\n");
}
