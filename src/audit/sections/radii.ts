import type { Row } from "../../evaluate/row.ts";
import { groupBy } from "../../evaluate/row-statistics.ts";
import { dataTable } from "../../report/data-table.ts";
import type { Evaluation } from "../../report/evaluation.ts";
import { counted, listed, normName, percent, radius } from "../../report/format.ts";
import { html, type Markup } from "../../report/html.ts";
import { provenBalls } from "../../report/proven-balls.ts";
import { type AuditNorm, type AuditResult, atLargest } from "../result.ts";

/** The smallest radius at which any attack in a norm broke each image: 0 if it is wrong when clean, infinite if none did. */
export function breakingRadii(rows: readonly Row[], norm: string): number[] {
  const own = rows.filter((row) => row.norm === norm && row.epsilon !== null);
  return [...groupBy(own, ({ index }) => index).values()].map((ofImage) =>
    Math.min(...ofImage.map(breakingRadius)),
  );
}

/** A row's perturbation is an upper bound on the smallest one. Rounding may carry it past the radius, but not out of the ball. */
function breakingRadius(row: Row): number {
  const { norm, epsilon, clean, majority } = row;
  if (clean < 0.5) return 0;
  if (majority === 1) return Number.POSITIVE_INFINITY;
  const lengths: Readonly<Record<string, number>> = { linf: row.linf, l2: row.l2, l1: row.l1 };
  return Math.min(lengths[String(norm)] ?? Number.POSITIVE_INFINITY, Number(epsilon));
}

/** Parts of a single radius, where attacks found smaller perturbations. */
const PARTS = 4;

/**
 * Upper ends of the bins: the radii that were attacked. A single one is cut into quarters, unless all that broke is in the
 * last quarter: attacks use the whole ball, which says nothing about smaller radii.
 */
export function edgesOf(
  norms: readonly Pick<AuditNorm, "epsilon">[],
  radii: readonly number[],
): number[] {
  const attacked = norms.map(({ epsilon }) => epsilon);
  const [only, ...others] = attacked;
  const last = (only * (PARTS - 1)) / PARTS;
  if (others.length > 0 || !radii.some((one) => one > 0 && one <= last)) return attacked;
  return Array.from({ length: PARTS }, (_, i) => ((i + 1) * only) / PARTS);
}

/** Slack for the rounding of a perturbation's length, relative to the radius. */
const SLACK = 1e-6;

interface Bin {
  readonly name: string;
  readonly images: number;
}

/** Images by smallest breaking radius. */
function binsOf(radii: readonly number[], ends: readonly number[]): Bin[] {
  const largest = ends[ends.length - 1];
  const within = (low: number, high: number) =>
    radii.filter((r) => r > low * (1 + SLACK) && r <= high * (1 + SLACK)).length;
  return [
    { name: "0 (wrong when clean)", images: radii.filter((r) => r === 0).length },
    ...ends.map((end, i) => ({
      name: i === 0 ? `up to ${radius(end)}` : `${radius(ends[i - 1])} to ${radius(end)}`,
      images: within(i === 0 ? 0 : ends[i - 1], end),
    })),
    {
      name: `not broken up to ${radius(largest)}`,
      images: radii.filter((r) => r > largest * (1 + SLACK)).length,
    },
  ];
}

/** The radius at which half of the images are broken, as a sentence. */
function medianSentence(radii: readonly number[], norm: string): string {
  const sorted = radii.toSorted((a, b) => a - b);
  const median = sorted[Math.ceil(sorted.length / 2) - 1];
  if (Number.isFinite(median))
    return `Half of the images break at ${normName(norm)} ${Number(median.toPrecision(3))} or less.`;
  const broken = radii.filter(Number.isFinite).length;
  return `Fewer than half of the images (${percent(broken / radii.length)}) break.`;
}

/** What proofs say from the other side; empty without any. */
function provenSentence({ proofs = [] }: Pick<Evaluation, "proofs">, norm: string): string {
  const balls = provenBalls(proofs).filter((ball) => ball.norm === norm && ball.proven > 0);
  if (balls.length === 0) return "";
  const parts = balls.map(
    ({ epsilon, proven }) => `${counted(proven, "image")} beyond ${radius(epsilon)}`,
  );
  return ` Proven or certified from below: ${listed(parts)}.`;
}

function histogram(norms: readonly AuditNorm[], evaluation: Evaluation): Markup | null {
  const [{ norm }] = norms;
  const radii = breakingRadii(evaluation.rows, norm);
  if (radii.length === 0) return null;
  const bins = binsOf(radii, edgesOf(norms, radii));
  const most = Math.max(1, ...bins.map(({ images }) => images));
  return dataTable({
    label: `Smallest breaking radius in ${normName(norm)}`,
    caption: `${normName(norm)}: ${medianSentence(radii, norm)}${provenSentence(evaluation, norm)}`,
    heads: [`radius in ${normName(norm)}`, "images", ""].map((title) => ({ title })),
    lines: bins.map(({ name, images }) => ({
      head: name,
      cells: [
        String(images),
        {
          content:
            images === 0
              ? null
              : html`<span class="count" style="width:${((100 * images) / most).toFixed(1)}%"></span>`,
          className: "counts",
        },
      ],
    })),
  });
}

/** Images by the smallest radius that broke them, one table per norm; null without rows. */
export function radiiSection(
  result: AuditResult,
  evaluation: Evaluation | undefined,
): Markup | null {
  if (evaluation === undefined) return null;
  const tables = atLargest(result.norms).map(({ norm }) =>
    histogram(
      result.norms.filter((one) => one.norm === norm),
      evaluation,
    ),
  );
  return html`
<section aria-labelledby="radii">
<h2 id="radii">Smallest breaking radius per image</h2>
<p>The length of the smallest perturbation that broke each image. It is an upper bound: an attack looks for any adversarial image in its ball, and seldom for the nearest. More radii (<code>--epsilon-linf 1/255,2/255,4/255</code>) make it finer.</p>
<div class="pair">${tables}</div>
</section>`;
}
