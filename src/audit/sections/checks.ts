import { dataTable } from "../../report/data-table.ts";
import { counted, listed } from "../../report/format.ts";
import { html, type Markup } from "../../report/html.ts";
import type { Check, CheckOutcome } from "../checks.ts";
import type { Diagnostic } from "../diagnostic.ts";
import type { AuditResult } from "../result.ts";

/** Outcomes in the order of the table, each with its sign and its text. */
const outcomes: Readonly<Record<CheckOutcome, { readonly sign: string; readonly words: string }>> =
  {
    invalid: { sign: "✗", words: "failed: the numbers are meaningless" },
    warning: { sign: "!", words: "failed: robustness is probably overestimated" },
    note: { sign: "i", words: "note" },
    "not run": { sign: "–", words: "not run" },
    explained: { sign: "–", words: "explained by another check" },
    passed: { sign: "✓", words: "passed" },
    "not applicable": { sign: "–", words: "not applicable" },
  };
const order = Object.keys(outcomes);

const diagnosticMarkup = ({ code, severity, text, advice }: Diagnostic): Markup => html`
<div class="sign ${severity}"><p><b>${severity}: ${code}</b></p><p>${text}.</p><p><i>What to do:</i> ${advice}.</p></div>`;

/** The number of checks with each outcome, as a sentence. */
export function tally(checks: readonly Check[]): string {
  const counts = order
    .map((outcome) => ({ outcome, count: checks.filter((one) => one.outcome === outcome).length }))
    .filter(({ count }) => count > 0)
    .map(({ outcome, count }) => `${count} ${outcome}`);
  return `${counted(checks.length, "check")}: ${listed(counts)}.`;
}

const checkTable = (checks: readonly Check[]): Markup =>
  dataTable({
    label: "Checks",
    caption: "Every check of this audit and its outcome.",
    className: "checks",
    heads: ["check", "outcome"].map((title) => ({ title })),
    lines: checks
      .toSorted((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome))
      .map(({ code, claim, outcome }) => ({
        head: html`${claim}<small>${code}</small>`,
        cells: [
          {
            content: html`<span class="mark" aria-hidden="true">${outcomes[outcome].sign}</span> ${outcomes[outcome].words}`,
            className: `check ${outcome.replace(" ", "-")}`,
          },
        ],
      })),
  });

/** All checks: findings in full, then the list of outcomes. */
export const checksSection = ({ diagnostics, checks }: AuditResult): Markup => html`
<section aria-labelledby="diagnostics">
<h2 id="diagnostics">How far to trust it</h2>
<p>${tally(checks)} Attacks only give an upper bound: passing every check does not prove that a stronger attack, made for this model, finds nothing.</p>
${diagnostics.map(diagnosticMarkup)}
${checkTable(checks)}
</section>`;
