import type { Note, NoteCode } from "../../math/note.ts";
import type { Comparison } from "../comparison.ts";
import {
  dropSentence,
  evidence,
  headlineSentence,
  METHOD,
  nameOf,
  points,
  pointsRange,
  pText,
} from "../comparison-words.ts";
import { dataTable, type TableLine } from "../data-table.ts";
import { counted, percent } from "../format.ts";
import { html, type Markup } from "../html.ts";

const HEADS = ["", "before", "after", "change", "lost", "gained", "p"].map((title) => ({ title }));

const lineOf = (one: Comparison["accuracies"][number]): TableLine => ({
  head: nameOf(one),
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
});

/** States which column is which model; empty if the labels already do. */
const columnsText = ({ before, after }: Comparison): string =>
  before.label === "before" && after.label === "after"
    ? ""
    : ` Before: ${before.label}. After: ${after.label}.`;

/** The table of accuracies before and after. */
export const comparisonTable = (comparison: Comparison, title: string): Markup =>
  dataTable({
    label: title,
    caption: `${title}, on ${counted(comparison.examples, "image")}.${columnsText(comparison)}`,
    heads: HEADS,
    lines: comparison.accuracies.map(lineOf),
  });

/** The badge; null without --max-drop. */
function badge({ drop, before, after }: Comparison): Markup | null {
  if (before.valid === false || after.valid === false)
    return html`<span class="badge invalid">INVALID</span>`;
  if (drop === null) return null;
  return drop.passed
    ? html`<span class="badge pass">PASS</span>`
    : html`<span class="badge fail">FAIL</span>`;
}

/** The codes of notes about a training between the two results. */
const ABOUT_TRAINING: readonly NoteCode[] = ["not-better", "held-out", "trained-on"];

const warning = (title: string, notes: readonly Note[]): Markup | null =>
  notes.length === 0
    ? null
    : html`<div class="sign warning"><p><b>${title}</b></p><ul>${notes.map(({ text }) => html`<li>${text}</li>`)}</ul></div>`;

/** Notes about the training, and differences between the two results besides the models. */
function remarks({ notes }: Comparison): readonly (Markup | null)[] {
  const isAboutTraining = ({ code }: Note) => ABOUT_TRAINING.includes(code);
  return [
    warning("About the training", notes.filter(isAboutTraining)),
    warning(
      "The results differ in more than the model",
      notes.filter((note) => !isAboutTraining(note)),
    ),
  ];
}

/** The comparison of two results, under a heading. */
export const comparisonSection = (comparison: Comparison, title: string): Markup => html`
<section aria-labelledby="comparison">
<h2 id="comparison">${title}</h2>
<p class="finding">${badge(comparison)} ${headlineSentence(comparison)} ${evidence(comparison)} ${dropSentence(comparison)}</p>
${remarks(comparison)}
${comparisonTable(comparison, title)}
<p>${METHOD}</p>
</section>`;
