import type { Row } from "../../evaluate/row.ts";
import { type Chart, chartMarkup } from "../../report/chart.ts";
import { dataTable } from "../../report/data-table.ts";
import type { Evaluation } from "../../report/evaluation.ts";
import {
  counted,
  listed,
  normName,
  percent,
  radius,
  radiusAxis,
  radiusText,
} from "../../report/format.ts";
import { html, type Markup, trusted } from "../../report/html.ts";
import { provenBalls } from "../../report/proven-balls.ts";
import { type AuditNorm, type AuditResult, atLargest } from "../result.ts";
import type { RadiusRow } from "../smallest/radius-row.ts";
import { smallestByImage } from "../smallest/smallest.ts";
import { ballOf } from "../smallest/words.ts";

/** The smallest radius at which an attack or a search broke each image: 0 if wrong when clean, infinite if not broken. */
export const breakingRadii = (
  rows: readonly Row[],
  norm: string,
  searched: readonly RadiusRow[] = [],
): number[] => [
  ...smallestByImage(
    rows.filter(({ epsilon }) => epsilon !== null),
    searched,
    norm,
  ).values(),
];

/** The number of bins of a single radius, if attacks found smaller perturbations. */
const PARTS = 4;

/** Upper ends of bins of counts from 1 to `most`: one bin per count, or bins of about equal width. */
function countEnds(most: number): number[] {
  const width = Math.ceil(most / MAX_BINS);
  return Array.from({ length: Math.ceil(most / width) }, (_, i) => Math.min((i + 1) * width, most));
}

/**
 * Upper ends of the bins: the attacked radii. A single radius is divided into quarters, unless all perturbations are in the
 * last quarter: attacks use the whole ball, so they then say nothing about smaller radii.
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

/** The largest number of bins for the radii of a search. */
const MAX_BINS = 8;

/** Upper ends of equal bins up to a radius or just beyond: of width 1, 2 or 5 times a power of ten, in ℓ∞ of 1/255. */
function roundEnds(radius: number, norm: string): number[] {
  const unit = norm === "linf" ? 1 / 255 : 1;
  const least = radius / unit / MAX_BINS;
  const power = 10 ** Math.floor(Math.log10(least));
  const width = power * ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10);
  // One division per end, so that 3/255 equals the literal 3/255.
  const ends = Math.ceil(radius / unit / width - SLACK);
  return Array.from({ length: ends }, (_, i) =>
    norm === "linf" ? ((i + 1) * width) / 255 : Number(((i + 1) * width).toPrecision(12)),
  );
}

/** The radius at or below which most of the searched images break; null without a search. */
function mostBreakAt(result: AuditResult, norm: string): number | null {
  const own = result.smallest?.find((one) => one.norm === norm);
  return own?.deciles.findLast((radius) => radius !== null) ?? null;
}

interface Bin {
  readonly name: string;
  readonly images: number;
}

const radiiName = (ends: readonly number[], i: number): string =>
  i === 0 ? `up to ${radius(ends[0])}` : `${radius(ends[i - 1])} to ${radius(ends[i])}`;

/** The counts above `low`, up to `high`: `1 pixel`, `3 to 4 pixels`. */
const countsName = (low: number, high: number): string =>
  high === low + 1 ? counted(high, "pixel") : `${low + 1} to ${high} pixels`;

/** Images by smallest breaking radius. */
function binsOf(radii: readonly number[], ends: readonly number[], norm: string): Bin[] {
  const largest = ends[ends.length - 1];
  const within = (low: number, high: number) =>
    radii.filter((r) => r > low * (1 + SLACK) && r <= high * (1 + SLACK)).length;
  return [
    { name: "0 (wrong when clean)", images: radii.filter((r) => r === 0).length },
    ...ends.map((end, i) => ({
      name: norm === "l0" ? countsName(i === 0 ? 0 : ends[i - 1], end) : radiiName(ends, i),
      images: within(i === 0 ? 0 : ends[i - 1], end),
    })),
    {
      name: `not broken up to ${radiusText(norm, largest)}`,
      images: radii.filter((r) => r > largest * (1 + SLACK)).length,
    },
  ];
}

/** The radius at which half of the images are broken, as a sentence. */
function medianSentence(radii: readonly number[], norm: string): string {
  const sorted = radii.toSorted((a, b) => a - b);
  const median = sorted[Math.ceil(sorted.length / 2) - 1];
  if (Number.isFinite(median))
    return `Half of the images break at ${ballOf(norm, median)} or less.`;
  const broken = radii.filter(Number.isFinite).length;
  return `Fewer than half of the images (${percent(broken / radii.length)}) break.`;
}

/** The proofs as a sentence on lower bounds; empty without proofs. */
function provenSentence({ proofs = [] }: Pick<Evaluation, "proofs">, norm: string): string {
  const balls = provenBalls(proofs).filter((ball) => ball.norm === norm && ball.proven > 0);
  if (balls.length === 0) return "";
  const parts = balls.map(
    ({ epsilon, proven }) => `${counted(proven, "image")} beyond ${radius(epsilon)}`,
  );
  return ` Proven or certified from below: ${listed(parts)}.`;
}

/** The share of images that no attack or search broke, at every radius, up to the radius at which most images break. */
function curve(radii: readonly number[], norm: string, most: number): Chart {
  const sorted = radii.toSorted((a, b) => a - b);
  const points = sorted.flatMap((x, i) =>
    x > most || sorted[i + 1] === x ? [] : [{ x, y: 1 - (i + 1) / sorted.length }],
  );
  const clean = sorted.filter((radius) => radius > 0).length / sorted.length;
  return {
    title: `Smallest breaking radii in ${normName(norm)}`,
    x: radiusAxis(norm),
    y: "images not broken",
    share: true,
    series: [
      {
        name: normName(norm),
        place: 0,
        shape: "steps-after",
        points: [{ x: 0, y: clean }, ...points.filter(({ x }) => x > 0)],
      },
    ],
  };
}

interface Searched {
  readonly result: AuditResult;
  readonly evaluation: Evaluation;
  readonly searched: readonly RadiusRow[];
}

/** Upper ends of the bins: whole numbers in ℓ0, and otherwise round ones up to the radius that a search found for most images. */
function endsOf(
  norms: readonly AuditNorm[],
  radii: readonly number[],
  found: number | null,
): readonly number[] {
  const { norm, epsilon: largest } = norms[norms.length - 1];
  if (norm === "l0") return countEnds(largest);
  return found === null || found === 0 ? edgesOf(norms, radii) : roundEnds(found, norm);
}

function histogram(
  norms: readonly AuditNorm[],
  { result, evaluation, searched }: Searched,
): Markup | null {
  const [{ norm }] = norms;
  const radii = breakingRadii(evaluation.rows, norm, searched);
  if (radii.length === 0) return null;
  const found = mostBreakAt(result, norm);
  const ends = endsOf(norms, radii, found);
  const bins = binsOf(radii, ends, norm);
  const most = Math.max(1, ...bins.map(({ images }) => images));
  const table = dataTable({
    label: `Smallest breaking radius in ${normName(norm)}`,
    caption: `${normName(norm)}: ${medianSentence(radii, norm)}${provenSentence(evaluation, norm)}`,
    heads: [norm === "l0" ? "changed pixels" : `radius in ${normName(norm)}`, "images", ""].map(
      (title) => ({ title }),
    ),
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
  return found === null || found === 0
    ? table
    : html`<div class="stack">${chartMarkup(curve(radii, norm, found))}${table}</div>`;
}

/** Images by the smallest radius that broke them, one table per norm; null without rows. */
export function radiiSection(
  result: AuditResult,
  evaluation: Evaluation | undefined,
  searched: readonly RadiusRow[],
): Markup | null {
  if (evaluation === undefined) return null;
  const tables = atLargest(result.norms).map(({ norm }) =>
    histogram(
      result.norms.filter((one) => one.norm === norm),
      { result, evaluation, searched },
    ),
  );
  const how =
    searched.length === 0
      ? "It is an upper bound: most attacks look for any adversarial image in the ball, not for the nearest. More radii (<code>--epsilon-linf 1/255,2/255,4/255</code>) make it finer."
      : "It is an upper bound: the best of all attacks and of minimum-norm attacks, which look for the nearest adversarial image at any distance.";
  return html`
<section aria-labelledby="radii">
<h2 id="radii">Smallest breaking radius per image</h2>
<p>The length of the smallest perturbation that broke each image. ${trusted(how)}</p>
<div class="pair">${tables}</div>
</section>`;
}
