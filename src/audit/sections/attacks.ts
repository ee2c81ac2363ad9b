import { dataTable } from "../../report/data-table.ts";
import { counted, epsilonText, normName, percent, range } from "../../report/format.ts";
import { html, type Markup } from "../../report/html.ts";
import { type AuditNorm, type AuditResult, atLargest } from "../result.ts";
import { ballText, breaksFirst } from "../text.ts";

const normTable = ({ norm, epsilon, attacks }: AuditNorm): Markup =>
  dataTable({
    label: `Attacks in ${ballText({ norm, epsilon })}`,
    caption: `${normName(norm)}, ${epsilonText(norm, epsilon)}: each attack runs on the survivors of the attacks above it.`,
    heads: ["attack", "tried", "broken", "accuracy left"].map((title) => ({ title })),
    lines: attacks.map(({ attack, tried, broken, left }) => ({
      head: attack,
      cells: [
        String(tried),
        String(broken),
        { content: html`${percent(left.mean)}<small>${range(left)}</small>` },
      ],
    })),
  });

/** The attacks of each norm, and which norm and attack break most. */
export function attacksSection(result: AuditResult): Markup {
  const { norms } = result;
  const shown = atLargest(norms);
  const smaller = norms.filter((norm) => !shown.includes(norm));
  return html`
<section aria-labelledby="attacks">
<h2 id="attacks">What breaks first</h2>
<p class="finding">${breaksFirst(result)}</p>
<div class="pair">${shown.map(normTable)}</div>
${smaller.length > 0 ? html`<details><summary>Smaller radii (${counted(smaller.length, "table")})</summary><div class="pair">${smaller.map(normTable)}</div></details>` : null}
</section>`;
}
