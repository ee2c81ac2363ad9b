import { groupBy } from "../../evaluate/row-statistics.ts";
import { type Chart, chartMarkup, legend, type Point, type Series } from "../../report/chart.ts";
import { normName, radiusAxis } from "../../report/format.ts";
import { html, type Markup } from "../../report/html.ts";
import type { AuditNorm, AuditResult } from "../result.ts";

/** Indices of the colours of the two bounds. */
const [ATTACKED, PROVEN] = [0, 2];

/** Accuracy under all attacks, starting with the clean accuracy at radius 0. */
function upperBound(norms: readonly AuditNorm[], { clean }: AuditResult): Point[] {
  const { mean: y, low, high } = clean;
  return [
    { x: 0, y, low, high },
    ...norms.map(({ epsilon: x, accuracy }) => ({
      x,
      y: accuracy.mean,
      low: accuracy.low,
      high: accuracy.high,
    })),
  ];
}

/** The share of images that are proven or certified at each radius; empty without proofs. */
function lowerBound(norm: string, { proofs, clean }: AuditResult): Point[] {
  const balls = (proofs?.balls ?? []).filter((ball) => ball.norm === norm);
  if (balls.length === 0) return [];
  return [
    { x: 0, y: clean.mean },
    ...balls.map(({ epsilon: x, proven, examples }) => ({ x, y: proven / examples })),
  ];
}

function chartOf(norm: string, norms: readonly AuditNorm[], result: AuditResult): Chart {
  const upper = upperBound(norms, result);
  const lower = lowerBound(norm, result);
  // One radius gives no curve. Accuracy falls with the radius, so accuracy under attack is an upper bound at every larger
  // radius, and the proven share is a lower bound at every smaller radius.
  const single = norms.length < 2;
  const attacked: Series = {
    name: "attacked",
    place: ATTACKED,
    shape: single ? "dots" : "steps-after",
    dotted: true,
    points: upper,
  };
  const proven: Series = {
    name: "proven",
    place: PROVEN,
    shape: single ? "dots" : "steps",
    dotted: true,
    points: single ? lower.slice(1) : lower,
  };
  return {
    title: `Robust accuracy in ${normName(norm)}`,
    x: radiusAxis(norm),
    y: "accuracy",
    share: true,
    between: single || lower.length === 0 ? undefined : { upper, lower },
    series: lower.length === 0 ? [attacked] : [proven, attacked],
  };
}

/** One chart per norm: accuracy under attack as an upper bound, and the proven share as a lower bound. */
export function curvesSection(result: AuditResult): Markup {
  const charts = [...groupBy(result.norms, ({ norm }) => norm)].map(([norm, own]) =>
    chartOf(norm, own, result),
  );
  const { proofs } = result;
  const names = ["attacked: robust accuracy is at most this, with its 95 % interval"];
  const places = [ATTACKED];
  if (proofs !== null) {
    const verb = proofs.kind === "proof" ? "proven" : "certified";
    names.push(`${verb}: robust accuracy is at least this`);
    places.push(PROVEN);
  }
  const single = [...groupBy(result.norms, ({ norm }) => norm).values()].every(
    (own) => own.length < 2,
  );
  const remark = single
    ? " One radius of each norm was attacked; several radii (--epsilon-linf 1/255,2/255,4/255) give a curve."
    : "";
  const below =
    proofs === null ? " --prove adds a lower bound." : " The truth lies in the grey area.";
  return html`
<section aria-labelledby="curves">
<h2 id="curves">Robust accuracy against ε</h2>
<p>ε = 0 is the clean accuracy.${below}${remark}</p>
${legend(names, places)}
<div class="charts">${charts.map(chartMarkup)}</div>
</section>`;
}
