import { type Chart, chartMarkup, legend } from "../chart.ts";
import { curveName, verdict } from "../eot-words.ts";
import type { Evaluation } from "../evaluation.ts";
import { normName } from "../format.ts";
import { html, type Markup } from "../html.ts";

/** Accuracy against the draws that an attack averages per step; null if every attack used one number of draws. */
export function eotSection(
  evaluations: readonly Evaluation[],
  places: ReadonlyMap<string, number>,
): Markup | null {
  const all = evaluations.flatMap(({ label, summary }) =>
    summary.eotCurves.map((curve) => ({ label, curve, protocol: summary.protocol })),
  );
  if (all.length === 0) return null;
  const titles = new Map(
    all.map(({ curve }) => [curveName(curve), curve.norm === null ? "" : normName(curve.norm)]),
  );
  const charts = [...titles].map(
    ([name, norm]): Chart => ({
      title: `Accuracy under ${name} (${norm}) against EOT draws`,
      share: true,
      log: 2,
      x: "noise draws averaged per step, K",
      y: "accuracy",
      series: all
        .filter(({ curve }) => curveName(curve) === name)
        .map(({ label, curve }) => ({
          name: label,
          place: places.get(label) ?? 0,
          points: curve.points.map(({ eot, accuracy: { mean: y, low, high } }) => ({
            x: eot,
            y,
            low,
            high,
          })),
        })),
    }),
  );
  const labels = [...new Set(all.map(({ label }) => label))];
  return html`
<section aria-labelledby="eot">
<h2 id="eot">Accuracy against EOT draws</h2>
<p>An attack that averages too few noise draws per step follows a wrong gradient, and the model looks more robust than it is. A curve is settled at the first K from which the next K changes accuracy by less than the standard error of that change over the same images. All other numbers of this report are for the largest K.</p>
${legend(
  labels,
  labels.map((label) => places.get(label) ?? 0),
)}
<div class="charts">${charts.map(chartMarkup)}</div>
<ul>${all.map(({ label, curve, protocol }) => html`<li><b>${label}</b> under ${curveName(curve)}, ${protocol} protocol: ${verdict(curve)}.</li>`)}</ul>
</section>`;
}
