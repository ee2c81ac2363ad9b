import type { Evaluation } from "../evaluation.ts";
import { html, type Markup } from "../html.ts";

const shown = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "not set");

const list = (title: string, values: Readonly<Record<string, unknown>>): Markup | null =>
  Object.keys(values).length === 0
    ? null
    : html`<div><h4>${title}</h4><dl>${Object.entries(values).map(
        ([name, value]) => html`<dt>${name}</dt><dd>${shown(value)}</dd>`,
      )}</dl></div>`;

function settingsOf({ label, file, settings, rows }: Evaluation): Markup {
  const { eot, rule, draws, seed, protocol, objective } = rows[0];
  const stated = { eot, rule, draws, seed, protocol, objective };
  if (settings === null)
    return html`
<details><summary>${label}</summary><p>Rows: <code>${file}</code>. There are no settings beside them; the rows themselves state:</p><div class="settings">${list("Rows", stated)}</div></details>`;
  const { model, options, versions, machine, target, command, started, data } = settings;
  const { training: _, config, classNames, reading = {}, ...metadata } = model;
  return html`
<details open><summary>${label}</summary>
${command === null ? html`<p>The evaluation was not run from a command line.</p>` : html`<p>The command:</p><pre><code>${command}</code></pre>`}
<div class="settings">
${list("Evaluation", { rows: file, started, data, ...options })}
${list("Model", { ...metadata, classes: classNames.join(", ") })}
${list("How the file is read", reading)}
${list("Training", config)}
${list("Versions and machine", { ...versions, ...machine, ...target })}
</div></details>`;
}

/** Options, versions and machine of every evaluation: everything needed to repeat its numbers. */
export const settingsSection = (evaluations: readonly Evaluation[]): Markup => html`
<section aria-labelledby="settings">
<h2 id="settings">How to repeat it</h2>
<p>Resolved options, versions and machine of every evaluation. The same machine, number of threads and versions give the same bits.</p>
${evaluations.map(settingsOf)}
</section>`;
