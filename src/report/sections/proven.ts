import { type Chart, chartMarkup, legend } from "../chart.ts";
import { dataTable, type TableLine } from "../data-table.ts";
import type { Evaluation } from "../evaluation.ts";
import { counted, normName } from "../format.ts";
import { html, type Markup } from "../html.ts";
import {
  ballName,
  certifiedNorms,
  certifiedRadii,
  isCertified,
  type ProvenBall,
  provenBalls,
} from "../proven-balls.ts";
import { PARTS, statusBar } from "./status-bar.ts";

/** A bar of three parts: proven, broken and undecided images. */
const bar = (ball: ProvenBall): Markup =>
  statusBar({ name: ballName(ball), ball, kind: isCertified(ball) ? "certificate" : "proof" });

/** The methods of one status with their counts: `crown 12, branching 3`. */
function methodsText({ methods }: ProvenBall, status: "proven" | "broken"): string {
  const own = methods.filter((one) => one.status === status);
  return own.map(({ method, images }) => `${method} ${images}`).join(", ") || "–";
}

const methodLine = (ball: ProvenBall): TableLine => ({
  head: ballName(ball),
  cells: [methodsText(ball, "proven"), methodsText(ball, "broken"), String(ball.undecided)],
});

function methodTable(balls: readonly ProvenBall[]): Markup {
  return dataTable({
    label: "Methods",
    caption:
      "Images by the method that proved them, or the attack that broke them. clean: misclassified without an attack.",
    heads: ["ball", "proven by", "broken by", "undecided"].map((title) => ({ title })),
    lines: balls.map(methodLine),
  });
}

const NOT_PROVEN = html`<p>Undecided images may be robust or not. A proof holds for the network as this machine evaluates it in float32, at every image of the ball with pixels in [0, 1].</p>`;
const NOT_CERTIFIED = html`<p>Undecided images may be robust or not. A certificate applies to the smoothed classifier, which answers the class that most noise draws give. It is wrong with probability at most α per image.</p>`;

/** Proven, broken and undecided images by ball; null without proofs. */
export function provenSection(evaluations: readonly Evaluation[]): Markup | null {
  const some = evaluations.filter(({ proofs = [] }) => proofs.length > 0);
  if (some.length === 0) return null;
  const parts = some.map((one) => {
    const balls = provenBalls(one.proofs ?? []);
    const remark = balls.some(isCertified) ? NOT_CERTIFIED : NOT_PROVEN;
    const name = some.length > 1 ? html`<h3>${one.label}</h3>` : null;
    return html`${name}${balls.map(bar)}${remark}${methodTable(balls)}`;
  });
  return html`
<section aria-labelledby="proven">
<h2 id="proven">Proven, broken, undecided</h2>
<ul class="legend">${PARTS.map((part) => html`<li><span class="swatch ${part}" aria-hidden="true"></span> ${part === "proven" ? "proven, or certified" : part}</li>`)}</ul>
${parts}
</section>`;
}

/** Certified accuracy at every radius at which it drops, and 1 − broken at the radii of the attacks. */
function certifiedChart(
  evaluation: Evaluation,
  norm: (typeof certifiedNorms)[number],
): Chart | null {
  const { certificates = [], proofs = [] } = evaluation;
  const radii = certifiedRadii(certificates, norm);
  const attacked = provenBalls(proofs).filter((ball) => ball.norm === norm);
  if (radii.length === 0 || attacked.length === 0) return null;
  const of = certificates.length;
  const sorted = [...new Set(radii)];
  const shareAt = (r: number) => radii.filter((one) => one >= r).length / of;
  const last = sorted[sorted.length - 1];
  const points = sorted.map((x) => ({ x, y: shareAt(x) }));
  return {
    title: `Certified and attacked accuracy in ${normName(norm)}`,
    x: `radius in ${normName(norm)}, pixels in [0, 1]`,
    y: "share of images",
    share: true,
    series: [
      {
        name: "certified",
        place: 0,
        shape: "steps",
        points: [{ x: 0, y: radii.length / of }, ...points, { x: last, y: 0 }],
      },
      {
        name: "not broken",
        place: 1,
        shape: "dots",
        points: attacked.map(({ epsilon: x, examples, broken }) => ({
          x,
          y: (examples - broken) / examples,
        })),
      },
    ],
  };
}

/** Upper ends of the bins of lower bounds of p; the first bin has the images on which the certifier abstains. */
const BINS = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1] as const;

/** Images by the lower bound of the probability of their class. */
function probabilities({ certificates = [] }: Evaluation): Markup {
  const bounds = certificates.map(({ components }) =>
    components.reduce((sum, { pLower }) => sum + pLower / components.length, 0),
  );
  const counts = BINS.map((high, i) => {
    const low = i === 0 ? -1 : BINS[i - 1];
    return bounds.filter((p) => p > low && p <= high).length;
  });
  const most = Math.max(1, ...counts);
  const names = BINS.map((high, i) =>
    i === 0 ? "at most 0.5 (abstained)" : `${BINS[i - 1]} to ${high}`,
  );
  return dataTable({
    label: "Lower bounds of p",
    caption: `Images by the lower bound of p, the probability of the class under noise${certificates.some(({ components }) => components.length > 1) ? " (the mean over the parts of the noise)" : ""}.`,
    heads: ["p", "images", ""].map((title) => ({ title })),
    lines: counts.map((images, i) => ({
      head: names[i],
      cells: [
        String(images),
        {
          content: html`<span class="count" style="width:${((100 * images) / most).toFixed(1)}%"></span>`,
          className: "counts",
        },
      ],
    })),
  });
}

/** Certified accuracy against the radius, beside the accuracy under attack; null without certificates. */
export function certifiedSection(evaluations: readonly Evaluation[]): Markup | null {
  const some = evaluations.filter(({ certificates = [] }) => certificates.length > 0);
  if (some.length === 0) return null;
  const parts = some.map((one) => {
    const charts = certifiedNorms.flatMap((norm) => certifiedChart(one, norm) ?? []);
    const [{ noise, alpha, sampling, components }] = one.certificates ?? [];
    const n = components.reduce((sum, component) => sum + component.n, 0);
    const name = some.length > 1 ? html`<h3>${one.label}</h3>` : null;
    return html`${name}<p>${counted((one.certificates ?? []).length, "image")} under ${noise}, ${n.toLocaleString("en")} draws each, α ${alpha}, ${sampling} sampling.</p>
${charts.length === 0 ? html`<p>No image has a radius above 0 in a norm that was attacked.</p>` : html`${legend(["certified: no attack can do better", "not broken by the attacks"])}<div class="charts">${charts.map(chartMarkup)}</div>`}
${probabilities(one)}`;
  });
  return html`
<section aria-labelledby="certified">
<h2 id="certified">Certified accuracy against the radius</h2>
<p>The robust accuracy of the smoothed classifier is at least what is certified. What the attacks leave is an estimate, since they judge each image by a few draws of the noise.</p>
${parts}
</section>`;
}
