import { present } from "../math/defined.ts";
import { type AccuracyTable, accuracyTables, type Cell } from "./accuracy-table.ts";
import { curveName, verdict } from "./eot-words.ts";
import { type Evaluation, noteTexts } from "./evaluation.ts";
import { counted, normName, percent, range } from "./format.ts";
import {
  ballName,
  certifiedNorms,
  certifiedSteps,
  isCertified,
  provenBalls,
  roundedDown,
} from "./proven-balls.ts";
import { judgement } from "./sections/accuracy.ts";

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

/** The images of an evaluation that are proven, broken and undecided; undefined without proofs. */
function provenText({ label, proofs = [] }: Evaluation): string | undefined {
  if (proofs.length === 0) return undefined;
  const balls = provenBalls(proofs);
  const verb = balls.some(isCertified) ? "certified" : "proven";
  return [
    `## ${plain(`What is ${verb} of ${label}`)}`,
    "",
    line(["ball", "images", verb, "broken", "undecided"]),
    line(["---", "---:", "---:", "---:", "---:"]),
    ...balls.map((ball) =>
      line([
        ballName(ball),
        String(ball.examples),
        ...[ball.proven, ball.broken, ball.undecided].map((count) =>
          percent(count / ball.examples),
        ),
      ]),
    ),
    "",
  ].join("\n");
}

/** Certified accuracy of an evaluation at some radii of each norm; undefined without certificates. */
function certifiedText({ label, certificates = [] }: Evaluation): string | undefined {
  const steps = certifiedNorms.flatMap((norm) => certifiedSteps(certificates, norm));
  if (steps.length === 0) return undefined;
  return [
    `## ${plain(`Certified accuracy of ${label}`)}`,
    "",
    line(["norm", "radius", "certified"]),
    line(["---", "---:", "---:"]),
    ...steps.map(({ norm, radius: at, share }) =>
      line([normName(norm), roundedDown(at), percent(share)]),
    ),
    "",
  ].join("\n");
}

/** The report in Markdown: tables of models × attacks, proofs, and notes on missing parts. */
export function markdown(evaluations: readonly Evaluation[]): string {
  const notes = noteTexts(evaluations);
  const missing =
    notes.length === 0 ? [] : [`${notes.map((note) => `- ${plain(note)}`).join("\n")}\n`];
  const proven = present(evaluations.flatMap((one) => [provenText(one), certifiedText(one)]));
  return [...accuracyTables(evaluations).map(tableText), ...proven, ...missing].join("\n");
}
