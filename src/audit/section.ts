// The audit as the first sections of a report.
import { grouped } from "../evaluate/shares.ts";
import { type Chart, chartMarkup } from "../report/chart.ts";
import { counted, normName, percent, radius, range } from "../report/format.ts";
import { html, type Markup } from "../report/html.ts";
import type { Section } from "../report/page.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { type AuditNorm, type AuditResult, atLargest } from "./result.ts";
import { auditVerdict, unionText } from "./text.ts";

const head = (names: readonly string[]): Markup =>
  html`<thead><tr>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>`;

const table = (label: string, caption: string, names: readonly string[], body: Markup[]): Markup =>
  html`
<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table>
<caption>${caption}</caption>
${head(names)}
<tbody>${body}</tbody></table></div>`;

/** Clean, the union of each ball, and the union over norms. */
function overview({ clean, unions }: AuditResult): Markup {
  const line = (name: string, accuracy: AuditResult["union"], rounded: string) => html`
<tr><th scope="row">${name}</th><td class="value" style="--value:${(100 * accuracy.mean).toFixed(1)}"><b>${percent(accuracy.mean)}</b><small>${range(accuracy)}</small></td><td>${rounded}</td></tr>`;
  return table(
    "Accuracies",
    "Share of images that are right where each meets the worst of the attacks inside the ball, with its 95 % interval; and once adversarial images are rounded to 8 bits, as in a file.",
    ["", "accuracy", "at 8 bits"],
    [
      line("clean", clean, ""),
      ...unions.map(({ balls, accuracy, accuracy8bit }) =>
        line(unionText(balls), accuracy, percent(accuracy8bit.mean)),
      ),
    ],
  );
}

const normTable = ({ norm, epsilon, attacks }: AuditNorm): Markup =>
  table(
    `Attacks in ${normName(norm)} ${radius(epsilon)}`,
    `${normName(norm)}, ε ${radius(epsilon)}: each attack meets what those above it left standing.`,
    ["attack", "tried", "broken", "accuracy left"],
    attacks.map(
      ({ attack, tried, broken, left }) =>
        html`<tr><th scope="row">${attack}</th><td>${tried}</td><td>${broken}</td><td>${percent(left.mean)}<small>${range(left)}</small></td></tr>`,
    ),
  );

/** Classes that are shown. */
const SHOWN = 10;

const classTable = ({ classes }: AuditResult): Markup =>
  table(
    "Worst classes",
    `${classes.length > SHOWN ? `The ${SHOWN} of ${classes.length} classes that` : "Classes: those that"} suffer most come first.`,
    ["class", "images", "clean", "under attack"],
    classes
      .slice(0, SHOWN)
      .map(
        ({ name, examples, clean, union }) =>
          html`<tr><th scope="row">${name}</th><td>${examples}</td><td>${percent(clean)}</td><td>${percent(union)}</td></tr>`,
      ),
  );

const sign = ({ code, severity, text, advice }: Diagnostic): Markup => html`
<div class="sign ${severity}"><p><b>${severity}: ${code}</b></p><p>${text}.</p><p><i>What to do:</i> ${advice}.</p></div>`;

/** One chart per norm: what all its attacks leave, against ε. */
function curves({ norms, clean }: AuditResult): Markup {
  const charts = [...grouped(norms, ({ norm }) => norm)].map(([norm, own]): Chart => {
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
  return html`
<section aria-labelledby="curves">
<h2 id="curves">Accuracy against ε</h2>
<p>Bands are 95 % intervals; ε = 0 is the clean accuracy.${
    single
      ? " One radius of each norm was attacked, so the line between is only a guide to the eye; several (--epsilon-linf 1/255,2/255,4/255) make a curve."
      : ""
  }</p>
<div class="charts">${charts.map(chartMarkup)}</div>
</section>`;
}

/** Verdict with accuracies and diagnostics; the curve; attacks by norm; worst classes. */
export function auditSections(result: AuditResult): Section[] {
  const { model, data, examples, budget, noise, norms, diagnostics } = result;
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
<p>${counted(examples, "image")} of ${data}, budget ${budget}, ${noise === null ? "deterministic" : `noise ${noise} at every prediction, attacked through EOT`}.</p>
<p>What the network sees: ${result.preprocessing}.</p>
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
${diagnostics.length === 0 ? html`<p>No diagnostic fired. That proves nothing: an attack made for this defence may still break what these left standing.</p>` : diagnostics.map(sign)}
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
