import { type AccuracyTable, accuracyTables } from "./accuracy-table.ts";
import { type Evaluation, noteTexts } from "./evaluation.ts";
import { counted, listed } from "./format.ts";
import { html, type Markup, trusted } from "./html.ts";
import { accuracySection } from "./sections/accuracy.ts";
import { costSection } from "./sections/cost.ts";
import { curvesSection } from "./sections/curves.ts";
import { detailSection, randomisedSection } from "./sections/detail.ts";
import { eotSection } from "./sections/eot.ts";
import { imagesSection } from "./sections/images.ts";
import { pairedSection } from "./sections/paired.ts";
import { certifiedSection, provenSection } from "./sections/proven.ts";
import { settingsSection } from "./sections/settings.ts";
import { trainingSection } from "./sections/training.ts";
import { style } from "./style.ts";

const notesAside = (notes: readonly string[]): Markup | null =>
  notes.length === 0
    ? null
    : html`<aside aria-labelledby="missing"><h2 id="missing">What is missing</h2><ul>${notes.map((note) => html`<li>${note}</li>`)}</ul></aside>`;

/** A section of the page: its id, its name in the list of sections, and its markup; null leaves it out. */
export type Section = readonly [id: string, name: string, part: Markup | null];

/** The title and the first sections of a page. Sections that compare models follow only if there are several models. */
export interface PageStart {
  readonly title: string;
  readonly sections: readonly Section[];
}

const startOf = (start: PageStart | undefined): readonly Section[] =>
  start === undefined ? [] : start.sections;

/** Sections of accuracies, comparisons, costs and curves, one group per table. */
function comparisons(
  tables: readonly AccuracyTable[],
  places: ReadonlyMap<string, number>,
): Section[] {
  return tables.flatMap((table, i) => {
    const suffix = i === 0 ? "" : `-${i + 1}`;
    const [accuracy, paired, cost, curves] = ["accuracy", "paired", "cost", "curves"].map(
      (id) => id + suffix,
    );
    const of = tables.length > 1 ? `: ${table.data}, ${table.protocol}` : "";
    return [
      [accuracy, `Accuracy${of}`, accuracySection(table, accuracy)],
      [paired, `Model against model${of}`, pairedSection(table, paired)],
      [cost, `Cost${of}`, costSection(table, cost, places)],
      [curves, `Against ε${of}`, curvesSection(table, curves, places)],
    ] as const;
  });
}

/**
 * The whole report as one HTML document, without scripts and without external resources. Equal rows give equal bytes.
 */
export function page(evaluations: readonly Evaluation[], start?: PageStart): string {
  const tables = accuracyTables(evaluations, { short: true });
  const places = new Map(evaluations.map(({ label }, i) => [label, i]));
  const data = [...new Set(tables.map((table) => table.data))];
  const title =
    start?.title ?? `Robustness of ${counted(evaluations.length, "classifier")} on ${listed(data)}`;
  const several = start === undefined || evaluations.length > 1;
  const sideBySide = several ? comparisons(tables, places) : [];
  const parts: readonly Section[] = [
    ...startOf(start),
    ...sideBySide,
    ["proven", "Proven", provenSection(evaluations)],
    ["certified", "Certified", certifiedSection(evaluations)],
    ["eot", "Against EOT draws", eotSection(evaluations, places)],
    ["randomised", "Randomised models", randomisedSection(evaluations)],
    ["training", "Training", trainingSection(evaluations, places)],
    ["images", "Images", imagesSection(evaluations)],
    ["detail", "Every attack", detailSection(evaluations)],
    ["settings", "How to repeat it", settingsSection(evaluations)],
  ];
  const present = parts.filter(([, , part]) => part !== null);
  const versions = new Set(evaluations.flatMap(({ settings }) => settings?.versions.rampart ?? []));
  const notes = noteTexts(evaluations);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<nav aria-label="Sections"><ul>${present.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
${notesAside(notes)}
</header>
<main>${present.map(([, , part]) => part)}
</main>
<footer>Made by Rampart${versions.size > 0 ? ` from rows of version ${listed([...versions])}` : ""}. Everything in this file comes from the rows named above.</footer>
</body>
</html>
`.markup;
}
