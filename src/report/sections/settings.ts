import type { Settings } from "../../evaluate/settings.ts";
import type { Evaluation } from "../evaluation.ts";
import { bytesText, dateText, listed, radius } from "../format.ts";
import { html, type Markup } from "../html.ts";

/** A name with its readable value. */
type Entry = readonly [name: string, value: string];

/** camelCase and hyphens as words: `apgdSteps` → `apgd steps`. */
const words = (name: string): string =>
  name.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);

/** A readable value: lists with commas, radii in their usual form, thousands with separators. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number")
    return Number.isInteger(value) ? value.toLocaleString("en") : radius(value);
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(shown).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The options that rows depend on. Files keep `skipBroken` under its former name. */
function usedOptions({ options, unused = [] }: Settings): Entry[] {
  return Object.entries(options)
    .filter(([name]) => !unused.includes(name))
    .map(([name, value]) => [name === "onlyStanding" ? "skip broken" : words(name), shown(value)]);
}

const list = (title: string, entries: readonly Entry[]): Markup | null => {
  const known = entries.filter(([, value]) => value !== "" && value !== "none");
  return known.length === 0
    ? null
    : html`<div><h3>${title}</h3><dl>${known.map(
        ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`,
      )}</dl></div>`;
};

const entriesOf = (values: Readonly<Record<string, unknown>>): Entry[] =>
  Object.entries(values).map(([name, value]) => [words(name), shown(value)]);

/** Versions, machine and runtime, each once; memory as a size. */
function machineEntries({ versions, machine, target }: Settings): Entry[] {
  const { memory, ...others } = machine;
  const size: Entry[] = typeof memory === "number" ? [["memory", bytesText(memory)]] : [];
  const { engine: _, ...runtime } = target;
  return [...entriesOf({ ...versions }), ...entriesOf(others), ...size, ...entriesOf(runtime)];
}

/** The largest number of class names that are listed; further names are counted. */
const MAX_CLASSES = 20;

const classesText = (names: readonly string[]): string =>
  names.length <= MAX_CLASSES
    ? names.join(", ")
    : `${listed([...names.slice(0, 3), `${names.length - 3} more`])}`;

function settingsOf({ label, file, settings, rows }: Evaluation): Markup {
  const { eot, rule, draws, seed, protocol, objective } = rows[0];
  const stated = { eot, rule, draws, seed, protocol, objective };
  if (settings === null)
    return html`
<details><summary>${label}</summary><p>Rows: <code>${file}</code>. There are no settings beside them; the rows themselves state:</p><div class="settings">${list("Rows", entriesOf(stated))}</div></details>`;
  const { model, command, started, data } = settings;
  const { training: _, config, classNames, reading = {}, ...metadata } = model;
  return html`
<details open><summary>${label}</summary>
${command === null ? html`<p>The evaluation was not run from a command line.</p>` : html`<p>The command behind every number above:</p><pre><code>${command}</code></pre>`}
<div class="settings">
${list("Evaluation", [["rows", file], ["started", dateText(started)], ["data", data], ...usedOptions(settings)])}
${list("Model", [...entriesOf(metadata), ["classes", classesText(classNames)]])}
${list("How the file is read", entriesOf(reading))}
${list("Training", entriesOf(config))}
${list("Versions and machine", machineEntries(settings))}
</div></details>`;
}

/** Options, versions and machine of every evaluation: everything needed to repeat its numbers. */
export const settingsSection = (evaluations: readonly Evaluation[]): Markup => html`
<section aria-labelledby="settings">
<h2 id="settings">How to repeat it</h2>
<p>The settings that the numbers depend on. The same machine, number of threads and versions give the same bits.</p>
${evaluations.map(settingsOf)}
</section>`;
