import type { AccuracyTable, Cell, Column } from "../accuracy-table.ts";
import type { Evaluation } from "../evaluation.ts";
import { counted, listed, normName, percent, radius, range } from "../format.ts";
import { html, type Markup } from "../html.ts";

/** How a model makes and is given a prediction, for the head of its line. */
export function judgement({ summary, settings }: Evaluation): string {
  const { draws, rule, protocol, randomised } = summary;
  const noise = settings?.model.noiseText ?? settings?.model.noise;
  if (!randomised) return `${protocol}: deterministic`;
  return [
    `${protocol}: ${noise ?? "randomised"}`,
    ...(protocol === "published" ? ["scored without it"] : [`rule ${rule}`, `${draws} draws`]),
    `EOT ${mostDraws(summary)}`,
  ].join(", ");
}

/** The largest number of draws that an attack averaged per step; 1 without EOT. */
const mostDraws = ({ attacks }: Evaluation["summary"]): number =>
  Math.max(1, ...attacks.map(({ eot }) => eot));

const cell = (value: Cell | undefined, { kind }: Column, examples: number): Markup => {
  if (value === undefined) return html`<td class="none">not measured</td>`;
  const { mean, interval } = value;
  const fewer =
    value.examples === examples ? null : html`<small>${counted(value.examples, "image")}</small>`;
  const ends =
    interval === null ? html`<small>upper bound</small>` : html`<small>${range(interval)}</small>`;
  const tint = kind === "min of means" || Number.isNaN(mean) ? 0 : (100 * mean).toFixed(1);
  return html`<td class="value" style="--value:${tint}"><b>${percent(mean)}</b>${ends}${fewer}</td>`;
};

/** What was measured, in sentences. */
export function measured({ data, protocol, lines }: AccuracyTable): Markup {
  const all = lines.map(({ evaluation }) => evaluation);
  const counts = [...new Set(all.map(({ summary }) => summary.examples))].sort((a, b) => a - b);
  const attacks = new Map<string, { norm: string | null; radii: Set<string> }>();
  for (const { attack, norm, epsilon } of all.flatMap(({ summary }) => summary.attacks)) {
    const known = attacks.get(attack) ?? { norm, radii: new Set<string>() };
    attacks.set(attack, known);
    if (epsilon !== null) known.radii.add(radius(epsilon));
  }
  const described = [...attacks].map(
    ([name, { norm, radii }]) =>
      `${name}${norm === null ? "" : ` (${normName(norm)}${radii.size === 0 ? "" : `, ε ${listed([...radii])}`})`}`,
  );
  const random = all.filter(({ summary }) => summary.randomised);
  const draws = [...new Set(random.map(({ summary }) => summary.draws))];
  const eot = [...new Set(random.map(({ summary }) => mostDraws(summary)))];
  const scored =
    protocol === "published"
      ? "every accuracy is that of the network without its noise; what one noisy draw says stands under Randomised models"
      : `every accuracy is the share of ${listed(draws.map(String))} fresh draws per image that were right, none of which an attack saw`;
  return html`<p>${counted(all.length, "classifier")} on the first ${listed(counts.map((n) => n.toLocaleString("en")))} test images of <b>${data}</b>${
    described.length === 0 ? ", without an attack" : `, attacked white-box by ${listed(described)}`
  }; radii are for pixels in [0, 1]. Protocol: <b>${protocol}</b>.${
    random.length === 0
      ? ""
      : ` ${listed(random.map(({ label }) => label))} ${random.length === 1 ? "is" : "are"} randomised: attacks average over ${listed(eot.map(String))} noise draws per step (EOT), and ${scored}.`
  }</p>`;
}

/** The line with the highest union, in one sentence; nothing where only one model was attacked. */
function finding({ columns, lines, protocol }: AccuracyTable): Markup | null {
  if (protocol === "published")
    return html`<p class="finding">The published protocol is for comparison with published tables. Its number is the <b>min of means</b>: the lowest of the attacks’ accuracies, an upper bound on what an attacker leaves. C&W has no bound on its norm here.</p>`;
  const column = columns.findLast(({ kind }) => kind === "union");
  const ranked = lines
    .flatMap(({ evaluation, cells }) => {
      const value = column === undefined ? undefined : cells.get(column.key);
      return value?.interval == null ? [] : [{ label: evaluation.label, interval: value.interval }];
    })
    .sort((a, b) => b.interval.mean - a.interval.mean);
  const [best, second] = ranked;
  if (column === undefined || second === undefined) return null;
  const clear = best.interval.low > second.interval.high;
  return html`<p class="finding"><b>${best.label}</b> keeps the highest accuracy when each image meets its worst attack (${column.detail}): <b>${percent(best.interval.mean)}</b> [${range(best.interval)}], ${
    clear ? "ahead of" : "not clearly ahead of"
  } ${second.label} with ${percent(second.interval.mean)} [${range(second.interval)}].</p>`;
}

/** The table of models × attacks, with what its columns mean. */
export function accuracySection(table: AccuracyTable, id: string): Markup {
  const { columns, lines, shortened } = table;
  return html`
<section aria-labelledby="${id}">
<h2 id="${id}">Accuracy on ${table.data}, ${table.protocol} protocol</h2>
${measured(table)}
${finding(table)}
<div class="scroll" role="region" aria-label="Table of accuracies" tabindex="0"><table class="accuracy">
<caption>Accuracy in percent, with 95 % intervals below it.${shortened ? " Of each attack only the largest radius is shown; every radius is under Every attack in detail." : ""}</caption>
<thead><tr><th scope="col">model</th>${columns.map(
    ({ title, detail }) => html`<th scope="col">${title}<small>${detail}</small></th>`,
  )}</tr></thead>
<tbody>${lines.map(
    ({ evaluation, cells }) => html`
<tr><th scope="row">${evaluation.label}<small>${evaluation.summary.defense === evaluation.label ? "" : `${evaluation.summary.defense}, `}${counted(evaluation.summary.examples, "image")}</small><small>${judgement(evaluation)}</small></th>${columns.map(
      (column) => cell(cells.get(column.key), column, evaluation.summary.examples),
    )}</tr>`,
  )}
</tbody></table></div>
<dl class="words">
<dt>clean</dt><dd>accuracy on the unperturbed images.</dd>
<dt>an attack’s column</dt><dd>accuracy that is left inside its ball of radius ε.</dd>
<dt>protocol</dt><dd>sound: attacks inside their balls, randomised models on fresh draws of their noise. published: as the paper’s authors did, with C&W unbounded and randomised models scored without their noise.</dd>
<dt>union</dt><dd>accuracy when each image meets the attack that hurts it most: what remains against somebody who may choose. A union is of the norms and radii under its name, and of all attacks that were run there; Every attack in detail lists them.</dd>
<dt>min of means</dt><dd>the lowest of the attacks’ accuracies, as the literature often reports it. Never below the union on the same images and draws: an upper bound, not a measurement of the worst case.</dd>
</dl>
</section>`;
}
