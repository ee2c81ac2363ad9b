import type { AccuracyTable } from "../accuracy-table.ts";
import { type Chart, chartMarkup, legend, type Series } from "../chart.ts";
import type { Evaluation } from "../evaluation.ts";
import { radiusAxis } from "../format.ts";
import { html, type Markup } from "../html.ts";
import { provenBalls } from "../proven-balls.ts";

/** Accuracy of one model under one attack against ε; starts with the clean accuracy at ε = 0. */
function series({ label, summary }: Evaluation, attack: string, place: number): Series | undefined {
  const points = summary.attacks
    .flatMap(({ attack: name, epsilon, accuracy: { mean: y, low, high } }) =>
      name === attack && epsilon !== null ? [{ x: epsilon, y, low, high }] : [],
    )
    .sort((a, b) => a.x - b.x);
  if (points.length === 0) return undefined;
  const { mean: y, low, high } = summary.clean;
  // Two points do not make a curve: a line between them would suggest values that were not measured.
  const shape = points.length < 2 ? "dots" : "line";
  return { name: label, place, shape, points: [{ x: 0, y, low, high }, ...points] };
}

/** The proven or certified share of a model in a norm: a lower bound that holds up to each radius. */
function provenSeries(
  { label, proofs = [], summary }: Evaluation,
  norm: string | null,
  place: number,
): Series[] {
  const balls = provenBalls(proofs).filter((ball) => ball.norm === norm);
  if (balls.length === 0) return [];
  const points = balls.map(({ epsilon: x, proven, examples }) => ({ x, y: proven / examples }));
  const shape = balls.length < 2 ? "dots" : "steps";
  const start = shape === "dots" ? [] : [{ x: 0, y: summary.clean.mean }];
  return [{ name: `${label}, proven`, place, dashed: true, shape, points: [...start, ...points] }];
}

/** Accuracy against ε: one chart per attack, one line per model with its 95 % interval as a band. */
export function curvesSection(
  { lines, data, protocol }: AccuracyTable,
  id: string,
  places: ReadonlyMap<string, number>,
): Markup | null {
  const evaluations = lines.map(({ evaluation }) => evaluation);
  const tried = evaluations.flatMap(({ summary }) => summary.attacks);
  const charts = [...new Map(tried.map(({ attack, norm }) => [attack, norm]))].flatMap(
    ([attack, norm]): Chart[] => {
      const drawn = evaluations.flatMap((one) => {
        const place = places.get(one.label) ?? 0;
        const attacked = series(one, attack, place);
        return attacked === undefined ? [] : [attacked, ...provenSeries(one, norm, place)];
      });
      if (drawn.length === 0) return [];
      const title = `Accuracy under ${attack} against its radius`;
      const x = norm === null ? "ε" : radiusAxis(norm);
      return [{ title, x, y: "accuracy", share: true, series: drawn }];
    },
  );
  if (charts.length === 0) return null;
  const names = evaluations.map(({ label }) => label);
  const single = charts.every((chart) => chart.series.every(({ points }) => points.length <= 2));
  const remark = single
    ? " One radius was measured; several radii (--epsilon-linf 0.01,0.02,0.031) give a curve."
    : "";
  const hasProofs = evaluations.some(({ proofs = [] }) => proofs.length > 0);
  const below = hasProofs
    ? " Dashed: the proven or certified share; robust accuracy is between both lines."
    : "";
  return html`
<section aria-labelledby="${id}">
<h2 id="${id}">Accuracy against ε on ${data}, ${protocol} protocol</h2>
<p>Bands and bars are 95 % intervals; ε = 0 is the clean accuracy.${below}${remark}</p>
${legend(
  names,
  names.map((name) => places.get(name) ?? 0),
)}
<div class="charts">${charts.map(chartMarkup)}</div>
</section>`;
}
