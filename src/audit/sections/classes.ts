import { NO_CLASS } from "../../math/tensor.ts";
import { dataTable } from "../../report/data-table.ts";
import { counted, percent } from "../../report/format.ts";
import { html, type Markup } from "../../report/html.ts";
import type { Confusion } from "../classes.ts";
import type { AuditResult } from "../result.ts";

/** The largest number of classes, and of pairs of classes, that are shown. */
const MAX_CLASSES = 10;

function classTable({ classes }: AuditResult): Markup {
  const some =
    classes.length > MAX_CLASSES
      ? `The ${MAX_CLASSES} of ${classes.length} classes with the lowest accuracy under attack.`
      : "Classes, the lowest accuracy under attack first.";
  return dataTable({
    label: "Worst classes",
    caption: some,
    heads: ["class", "images", "clean", "under attack"].map((title) => ({ title })),
    lines: classes.slice(0, MAX_CLASSES).map(({ name, examples, clean, union }) => ({
      head: name,
      cells: [
        String(examples),
        percent(clean),
        { content: percent(union), className: "value", tint: union },
      ],
    })),
  });
}

/** Pairs of a label and another class that was predicted under attack. */
const wrongPairs = ({ confusions }: AuditResult): Confusion[] =>
  confusions.filter(({ label, predicted }) => label !== predicted);

/** Every class against every predicted one: a matrix whose cells are counts. */
function matrix({ confusions, classes }: AuditResult): Markup {
  const names = new Map(
    confusions.flatMap(
      ({ label, name, predicted, predictedName }) =>
        [
          [label, name],
          [predicted, predictedName],
        ] as const,
    ),
  );
  const columns = [...names.keys()].sort((a, b) => a - b);
  const labels = classes.map(({ label }) => label).sort((a, b) => a - b);
  const count = (label: number, predicted: number) =>
    confusions.find((one) => one.label === label && one.predicted === predicted)?.images ?? 0;
  const cell = (label: number, predicted: number, total: number) => {
    const images = count(label, predicted);
    const kind = label === predicted ? "stays" : "moves";
    return html`<td class="${kind}" style="--value:${((100 * images) / total).toFixed(1)}">${images === 0 ? "·" : images}</td>`;
  };
  return html`
<div class="scroll" role="region" aria-label="Confusion under attack" tabindex="0"><table class="matrix">
<caption>Rows are true classes, columns are classes predicted under the strongest attack; for images that are wrong without an attack, the class predicted then. Diagonal: images that stay right.</caption>
<thead><tr><th scope="col">true class</th>${columns.map((column) => html`<th scope="col"><span>${names.get(column) ?? ""}</span></th>`)}</tr></thead>
<tbody>${labels.map((label) => {
    const total = columns.reduce((sum, column) => sum + count(label, column), 0);
    return html`
<tr><th scope="row">${names.get(label) ?? ""}</th>${columns.map((column) => cell(label, column, total))}</tr>`;
  })}
</tbody></table></div>`;
}

/** The most frequent confusions. */
const pairTable = (pairs: readonly Confusion[]): Markup =>
  dataTable({
    label: "Confusion under attack",
    caption: `The ${Math.min(MAX_CLASSES, pairs.length)} most frequent of ${counted(pairs.length, "confusion")} under the strongest attack.`,
    heads: ["true class", "predicted", "images"].map((title) => ({ title })),
    lines: pairs.slice(0, MAX_CLASSES).map(({ name, predictedName, images }) => ({
      head: name,
      cells: [predictedName, String(images)],
    })),
  });

/** The most frequent confusion, as a sentence. */
function confusionSentence([first]: readonly Confusion[]): string {
  if (first === undefined) return "No image is taken for another class.";
  const { name, predicted, predictedName, images } = first;
  if (predicted === NO_CLASS)
    return `The most frequent confusion: ${name} gets no class, since a score is NaN (${counted(images, "image")}).`;
  return `The most frequent confusion: ${name} is taken for ${predictedName} (${counted(images, "image")}).`;
}

/** The classes with the lowest accuracy under attack, and the classes that they are confused with. */
export function classesSection(result: AuditResult): Markup {
  const pairs = wrongPairs(result);
  const isSmall =
    new Set(result.confusions.flatMap(({ label, predicted }) => [label, predicted])).size <=
    MAX_CLASSES;
  return html`
<section aria-labelledby="classes">
<h2 id="classes">Worst classes, and what they are taken for</h2>
<p>${confusionSentence(pairs)}</p>
<div class="pair">${classTable(result)}
${isSmall ? matrix(result) : pairTable(pairs)}</div>
</section>`;
}
