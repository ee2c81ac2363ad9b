// The audit as the first section of a report.
import { counted, normName, percent, radius, range } from "../report/format.ts";
import { html, type Markup } from "../report/html.ts";
import type { Section } from "../report/page.ts";
import type { AuditNorm, AuditResult } from "./result.ts";
import { auditVerdict } from "./text.ts";

const head = (names: readonly string[]): Markup =>
  html`<thead><tr>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>`;

const normTable = ({ norm, epsilon, attacks, accuracy8bit }: AuditNorm): Markup => html`
<div class="scroll" role="region" aria-label="Attacks in ${normName(norm)}" tabindex="0"><table>
<caption>${normName(norm)}, ε ${radius(epsilon)}: each attack meets what those above it left standing. After rounding to 8 bits: ${percent(accuracy8bit.mean)}.</caption>
${head(["attack", "tried", "broken", "accuracy left", "95 % interval"])}
<tbody>${attacks.map(
  ({ attack, tried, broken, left }) =>
    html`<tr><th scope="row">${attack}</th><td>${tried}</td><td>${broken}</td><td>${percent(left.mean)}</td><td>${range(left)}</td></tr>`,
)}</tbody></table></div>`;

/** Classes that are shown. */
const SHOWN = 10;

const classTable = ({ classes }: AuditResult): Markup => html`
<div class="scroll" role="region" aria-label="Worst classes" tabindex="0"><table>
<caption>The classes that suffer most</caption>
${head(["class", "images", "clean", "under attack"])}
<tbody>${classes
  .slice(0, SHOWN)
  .map(
    ({ name, examples, clean, union }) =>
      html`<tr><th scope="row">${name}</th><td>${examples}</td><td>${percent(clean)}</td><td>${percent(union)}</td></tr>`,
  )}</tbody></table></div>`;

const signs = ({ diagnostics }: AuditResult): Markup =>
  diagnostics.length === 0
    ? html`<p>No diagnostic fired.</p>`
    : html`<ul>${diagnostics.map(
        ({ code, severity, text, advice }) =>
          html`<li><b>${severity}: ${code}</b>: ${text}. <i>${advice}.</i></li>`,
      )}</ul>`;

/** Verdict, what breaks first, tables, worst classes and diagnostics. */
export const auditSection = (result: AuditResult): Section => [
  "audit",
  "Audit",
  html`
<section aria-labelledby="audit">
<h2 id="audit">Audit of ${result.model}</h2>
<p class="finding">${auditVerdict(result)}</p>
<p>${counted(result.examples, "image")} of ${result.data}, budget ${result.budget}, ${result.noise === null ? "deterministic" : `noise ${result.noise} at every prediction, attacked through EOT`}.</p>
${result.norms.map(normTable)}
${classTable(result)}
<h3>Diagnostics</h3>
${signs(result)}
</section>`,
];
