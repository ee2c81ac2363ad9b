import { groupBy } from "../evaluate/row-statistics.ts";
import { type Chart, chartMarkup } from "../report/chart.ts";
import { dataTable, type TableLine } from "../report/data-table.ts";
import { counted, normName, percent, radius, range } from "../report/format.ts";
import { html, type Markup } from "../report/html.ts";
import type { Section } from "../report/page.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { type AuditNorm, type AuditResult, atLargest } from "./result.ts";
import { auditVerdict, unionText } from "./text.ts";

type Accuracy = AuditResult["union"];

const share = (accuracy: Accuracy): Markup =>
  html`${percent(accuracy.mean)}<small>${range(accuracy)}</small>`;

/** One line of the table of accuracies; `rounded` is the accuracy after rounding to 8 bits. */
const accuracyLine = (name: string, accuracy: Accuracy, rounded: string): TableLine => ({
  head: name,
  cells: [
    {
      content: html`<b>${percent(accuracy.mean)}</b><small>${range(accuracy)}</small>`,
      className: "value",
      tint: accuracy.mean,
    },
    { content: rounded, className: rounded === "" ? "empty" : "" },
  ],
});

/** Clean accuracy, the union of each ball, and the union over norms. */
const overview = ({ clean, unions }: AuditResult): Markup =>
  dataTable({
    label: "Accuracies",
    caption:
      "Share of images that are right under the strongest attack inside the ball, with its 95 % interval; and the same after adversarial images are rounded to 8 bits, as in a file.",
    heads: [{ title: "" }, { title: "accuracy" }, { title: "at 8 bits" }],
    lines: [
      accuracyLine("clean", clean, ""),
      ...unions.map(({ balls, accuracy, accuracy8bit }) =>
        accuracyLine(unionText(balls), accuracy, percent(accuracy8bit.mean)),
      ),
    ],
  });

const normTable = ({ norm, epsilon, attacks }: AuditNorm): Markup =>
  dataTable({
    label: `Attacks in ${normName(norm)} ${radius(epsilon)}`,
    caption: `${normName(norm)}, ε ${radius(epsilon)}: each attack runs on the survivors of those above it.`,
    heads: ["attack", "tried", "broken", "accuracy left"].map((title) => ({ title })),
    lines: attacks.map(({ attack, tried, broken, left }) => ({
      head: attack,
      cells: [String(tried), String(broken), { content: share(left) }],
    })),
  });

/** Classes that are shown. */
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
      cells: [String(examples), percent(clean), percent(union)],
    })),
  });
}

const diagnosticMarkup = ({ code, severity, text, advice }: Diagnostic): Markup => html`
<div class="sign ${severity}"><p><b>${severity}: ${code}</b></p><p>${text}.</p><p><i>What to do:</i> ${advice}.</p></div>`;

/** One chart per norm: accuracy under all its attacks against ε. */
function curves({ norms, clean }: AuditResult): Markup {
  const charts = [...groupBy(norms, ({ norm }) => norm)].map(([norm, own]): Chart => {
    const points = own.map(({ epsilon: x, accuracy: { mean: y, low, high } }) => ({
      x,
      y,
      low,
      high,
    }));
    const { mean: y, low, high } = clean;
    return {
      title: `Accuracy under all attacks in ${normName(norm)}`,
      x: `ε in ${normName(norm)}, pixels in [0, 1]`,
      y: "accuracy",
      share: true,
      series: [{ name: "", place: 0, points: [{ x: 0, y, low, high }, ...points] }],
    };
  });
  const single = charts.every(({ series: [{ points }] }) => points.length === 2);
  const remark = single
    ? " One radius of each norm was attacked, so the line is only a guide to the eye; several (--epsilon-linf 1/255,2/255,4/255) give a curve."
    : "";
  return html`
<section aria-labelledby="curves">
<h2 id="curves">Accuracy against ε</h2>
<p>Bands are 95 % intervals; ε = 0 is the clean accuracy.${remark}</p>
<div class="charts">${charts.map(chartMarkup)}</div>
</section>`;
}

const NO_DIAGNOSTIC = html`<p>No diagnostic fired. That proves nothing: an attack made for this defence may still break the survivors.</p>`;

/** The first sections of an audit's report: verdict, diagnostics, curves, attacks by norm, worst classes. */
export function auditSections(result: AuditResult): Section[] {
  const { model, data, examples, budget, noise, norms, diagnostics } = result;
  const deployment =
    noise === null ? "deterministic" : `noise ${noise} at every prediction, attacked through EOT`;
  const shown = atLargest(norms);
  const smaller = norms.filter((norm) => !shown.includes(norm));
  return [
    [
      "audit",
      "Verdict",
      html`
<section aria-labelledby="audit">
<h2 id="audit">Verdict on ${model}</h2>
<p class="finding">${auditVerdict(result)}</p>
<p>${counted(examples, "image")} of ${data}, budget ${budget}, ${deployment}.</p>
<p>Preprocessing: ${result.preprocessing}.</p>
${result.head.map((sentence) => html`<p>${sentence}</p>`)}
${overview(result)}
</section>`,
    ],
    [
      "diagnostics",
      "Diagnostics",
      html`
<section aria-labelledby="diagnostics">
<h2 id="diagnostics">Can the numbers be trusted?</h2>
${diagnostics.length === 0 ? NO_DIAGNOSTIC : diagnostics.map(diagnosticMarkup)}
</section>`,
    ],
    ["curves", "Against ε", curves(result)],
    [
      "attacks",
      "What breaks it",
      html`
<section aria-labelledby="attacks">
<h2 id="attacks">What breaks it</h2>
${shown.map(normTable)}
${smaller.length > 0 ? html`<details><summary>Smaller radii</summary>${smaller.map(normTable)}</details>` : null}
</section>`,
    ],
    [
      "classes",
      "Classes",
      html`
<section aria-labelledby="classes">
<h2 id="classes">Worst classes</h2>
${classTable(result)}
</section>`,
    ],
  ];
}
