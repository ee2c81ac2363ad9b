// Several models on the same images: each model is compared with the first, image by image.
import { UsageError } from "../../math/usage-error.ts";
import type { AccuracyTable } from "../accuracy-table.ts";
import { type Comparison, comparisonOf } from "../comparison.ts";
import { headlineOf, METHOD, nameOf, points, pointsRange, pText } from "../comparison-words.ts";
import { dataTable, type TableLine } from "../data-table.ts";
import { percent } from "../format.ts";
import { html, type Markup } from "../html.ts";

/** A comparison with the first model, or the reason why there is none. */
type Pair = { readonly label: string } & (
  | { readonly comparison: Comparison }
  | { readonly problem: string }
);

/** Each further model of a table compared with its first one. */
function pairsOf({ lines }: AccuracyTable): Pair[] {
  const [first, ...others] = lines.map(({ evaluation }) => ({ evaluation, audit: null }));
  return others.map((other): Pair => {
    const { label } = other.evaluation;
    try {
      return { label, comparison: comparisonOf(first, other) };
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return { label, problem: error.message };
    }
  });
}

/** The lines of one pair: clean, and under the strongest attack. */
function linesOf(comparison: Comparison): TableLine[] {
  const [clean] = comparison.accuracies;
  const attacked = headlineOf(comparison);
  const shown = attacked === clean ? [clean] : [clean, attacked];
  return shown.map((one) => ({
    head: html`${comparison.after.label}<small>${nameOf(one)}</small>`,
    cells: [
      percent(one.before),
      percent(one.after),
      {
        content: html`<b>${points(one.difference.mean)}</b><small>${pointsRange(one.difference)}</small>`,
      },
      String(one.lost),
      String(one.gained),
      pText(one.p),
    ],
  }));
}

/** The reasons for missing comparisons, and remarks on the others. */
function remarks(pairs: readonly Pair[]): Markup | null {
  const texts = pairs.flatMap((pair) =>
    "problem" in pair
      ? [`${pair.label}: ${pair.problem}`]
      : pair.comparison.notes.map(({ text }) => `${pair.label}: ${text}`),
  );
  return texts.length === 0 ? null : html`<ul>${texts.map((text) => html`<li>${text}</li>`)}</ul>`;
}

/** Every model against the first, paired by image; null for a single model. */
export function pairedSection(table: AccuracyTable, id: string): Markup | null {
  const pairs = pairsOf(table);
  if (pairs.length === 0) return null;
  const [{ evaluation }] = table.lines;
  const lines = pairs.flatMap((pair) => ("comparison" in pair ? linesOf(pair.comparison) : []));
  const heads = ["", evaluation.label, "this model", "change", "lost", "gained", "p"];
  return html`
<section aria-labelledby="${id}">
<h2 id="${id}">Each model against ${evaluation.label}, image by image</h2>
${
  lines.length === 0
    ? null
    : dataTable({
        label: `Each model against ${evaluation.label}`,
        caption:
          "The first model of the table above is the baseline. p is not corrected for the number of models.",
        heads: heads.map((title) => ({ title })),
        lines,
      })
}
<p>${METHOD}</p>
${remarks(pairs)}
</section>`;
}
