import type { AccuracyTable, Cell, Column } from "../accuracy-table.ts";
import { dataTable, type TableCell } from "../data-table.ts";
import type { Evaluation } from "../evaluation.ts";
import { counted, listed, normName, percent, radiusText, range } from "../format.ts";
import { html, type Markup } from "../html.ts";

/** The scoring of a model: protocol, noise, prediction rule and draws. */
export function judgement({ summary, settings }: Evaluation): string {
  const { draws, rule, protocol, randomised } = summary;
  if (!randomised) return `${protocol}: deterministic`;
  const noise = settings?.model.noiseText ?? settings?.model.noise ?? "randomised";
  const scoring = protocol === "published" ? "scored without it" : `rule ${rule}, ${draws} draws`;
  return `${protocol}: ${noise}, ${scoring}, EOT ${mostDraws(summary)}`;
}

/** The largest number of draws that an attack averaged per step; 1 without EOT. */
const mostDraws = ({ attacks }: Evaluation["summary"]): number =>
  Math.max(1, ...attacks.map(({ eot }) => eot));

function cellOf(value: Cell | undefined, { kind }: Column, examples: number): TableCell {
  if (value === undefined) return { content: "not measured", className: "none" };
  const { mean, interval } = value;
  const fewer =
    value.examples === examples ? null : html`<small>${counted(value.examples, "image")}</small>`;
  const ends = interval === null ? "upper bound" : range(interval);
  return {
    content: html`<b>${percent(mean)}</b><small>${ends}</small>${fewer}`,
    className: "value",
    tint: kind === "min of means" || Number.isNaN(mean) ? 0 : mean,
  };
}

/** The head of a model's line: label, defence, number of images, and scoring. */
function headOf(evaluation: Evaluation): Markup {
  const { label, summary } = evaluation;
  const defense = summary.defense === label ? "" : `${summary.defense}, `;
  return html`${label}<small>${defense}${counted(summary.examples, "image")}</small><small>${judgement(evaluation)}</small>`;
}

/** The attacks of some evaluations with their norms and radii: `pgd-linf (ℓ∞, ε 0.031)`. */
function attacksOf(evaluations: readonly Evaluation[]): string[] {
  const attacks = new Map<string, { norm: string | null; radii: Set<string> }>();
  for (const { attack, norm, epsilon } of evaluations.flatMap(({ summary }) => summary.attacks)) {
    const found = attacks.get(attack) ?? { norm, radii: new Set<string>() };
    attacks.set(attack, found);
    if (epsilon !== null) found.radii.add(radiusText(norm, epsilon));
  }
  return [...attacks].map(([name, { norm, radii }]) => {
    if (norm === null) return name;
    const sign = norm === "l0" ? "" : "ε ";
    const bound = radii.size === 0 ? "" : `, ${sign}${listed([...radii])}`;
    return `${name} (${normName(norm)}${bound})`;
  });
}

/** How randomised models were attacked and scored; empty without such models. */
function randomisedText(evaluations: readonly Evaluation[], protocol: string): string {
  const randomised = evaluations.filter(({ summary }) => summary.randomised);
  if (randomised.length === 0) return "";
  const draws = [...new Set(randomised.map(({ summary }) => summary.draws))];
  const eot = [...new Set(randomised.map(({ summary }) => mostDraws(summary)))];
  const scoring =
    protocol === "published"
      ? "every accuracy is measured on the network without its noise; the section Randomised models shows one noisy draw"
      : `every accuracy is the share of correct predictions among ${listed(draws.map(String))} fresh draws per image, none of which an attack saw`;
  const names = listed(randomised.map(({ label }) => label));
  return ` ${names} ${randomised.length === 1 ? "is" : "are"} randomised: attacks average over ${listed(eot.map(String))} noise draws per step (EOT), and ${scoring}.`;
}

/** A paragraph that states the measurement. */
export function measured({ data, protocol, lines }: AccuracyTable): Markup {
  const evaluations = lines.map(({ evaluation }) => evaluation);
  const counts = [...new Set(evaluations.map(({ summary }) => summary.examples))].sort(
    (a, b) => a - b,
  );
  const attacks = attacksOf(evaluations);
  const attacked =
    attacks.length === 0 ? ", without an attack" : `, attacked white-box by ${listed(attacks)}`;
  const images = listed(counts.map((n) => n.toLocaleString("en")));
  return html`<p>${counted(evaluations.length, "classifier")} on the first ${images} test images of <b>${data}</b>${attacked}; radii are for pixels in [0, 1]. Protocol: <b>${protocol}</b>.${randomisedText(evaluations, protocol)}</p>`;
}

/** The model with the highest union, as a sentence; null if only one model was attacked. */
function finding({ columns, lines, protocol }: AccuracyTable): Markup | null {
  if (protocol === "published")
    return html`<p class="finding">The published protocol is for comparison with published tables. Its number is the <b>min of means</b>: the lowest of the attacks’ accuracies, an upper bound on the accuracy under the strongest attack. C&W has no bound on its norm here.</p>`;
  const column = columns.findLast(({ kind }) => kind === "union");
  const ranked = lines
    .flatMap(({ evaluation, cells }) => {
      const interval = column === undefined ? undefined : cells.get(column.key)?.interval;
      return interval == null ? [] : [{ label: evaluation.label, interval }];
    })
    .sort((a, b) => b.interval.mean - a.interval.mean);
  const [best, second] = ranked;
  if (column === undefined || second === undefined) return null;
  const clear = best.interval.low > second.interval.high;
  const order = clear ? "ahead of" : "not clearly ahead of";
  return html`<p class="finding"><b>${best.label}</b> has the highest accuracy under the strongest attack on each image (${column.detail}): <b>${percent(best.interval.mean)}</b> [${range(best.interval)}], ${order} ${second.label} with ${percent(second.interval.mean)} [${range(second.interval)}].</p>`;
}

const LARGEST_ONLY =
  " Only the largest radius of each attack is shown; the section Every attack in detail has all radii.";

/** The table of models × attacks, with an explanation of its columns. */
export function accuracySection(table: AccuracyTable, id: string): Markup {
  const { columns, lines, shortened } = table;
  return html`
<section aria-labelledby="${id}">
<h2 id="${id}">Accuracy on ${table.data}, ${table.protocol} protocol</h2>
${measured(table)}
${finding(table)}
${dataTable({
  label: "Table of accuracies",
  caption: `Accuracy in percent, with 95 % intervals below it.${shortened ? LARGEST_ONLY : ""}`,
  className: "accuracy",
  heads: [{ title: "model" }, ...columns],
  lines: lines.map(({ evaluation, cells }) => ({
    head: headOf(evaluation),
    cells: columns.map((column) =>
      cellOf(cells.get(column.key), column, evaluation.summary.examples),
    ),
  })),
})}
<dl class="words">
<dt>clean</dt><dd>accuracy on the unperturbed images.</dd>
<dt>an attack’s column</dt><dd>accuracy under that attack inside a ball of radius ε.</dd>
<dt>protocol</dt><dd>sound: attacks stay inside their balls, and randomised models are scored on fresh draws of their noise. published: as the paper’s authors did, with C&W unbounded and randomised models scored without their noise.</dd>
<dt>union</dt><dd>accuracy when each image meets the attack that hurts it most. A union covers the norms and radii under its name and all attacks that were run there; the section Every attack in detail lists them.</dd>
<dt>min of means</dt><dd>the lowest of the attacks’ accuracies, as the literature often reports it. On the same images and draws it is never below the union: an upper bound, not a measurement of the worst case.</dd>
</dl>
</section>`;
}
