import type { Row } from "../../evaluate/row.ts";
import { amplified } from "../difference.ts";
import type { Evaluation, ImageSet } from "../evaluation.ts";
import { number, percent, radius } from "../format.ts";
import { html, type Markup } from "../html.ts";
import { pngUri } from "../png.ts";

/** The images of one attack at one radius, with its rows by index of the test image. */
interface Strip {
  readonly set: ImageSet;
  readonly rows: ReadonlyMap<number, Row>;
  readonly attack: string;
  readonly epsilon: number | null;
}

const strips = ({ rows, images }: Evaluation): Strip[] =>
  images.flatMap((set) => {
    // Images belong to the largest number of EOT draws, so the rows with most draws come last and win in the map.
    const ofSet = rows
      .filter(
        ({ attack, epsilon }) => (epsilon === null ? attack : `${attack}@${epsilon}`) === set.name,
      )
      .sort((a, b) => a.eot - b.eot);
    if (ofSet.length === 0 || ofSet[0].attack === "none") return [];
    const [{ attack, epsilon }] = ofSet;
    return [{ set, rows: new Map(ofSet.map((row) => [row.index, row])), attack, epsilon }];
  });

const titleOf = ({ attack, epsilon }: Strip, label: string): string =>
  `${label} under ${attack}${epsilon === null ? "" : `, ε ${radius(epsilon)}`}`;

/** The name of the image's file; null where images are not files. */
const fileOf = ({ file }: Row): Markup | null =>
  file === undefined ? null : html`<small>${file}</small>`;

function stripMarkup(strip: Strip, { label, settings }: Evaluation): Markup {
  const { set, rows } = strip;
  const className = (index: number) => settings?.model.classNames[index] ?? `class ${index}`;
  const { factor, images: differences } = amplified(set.originals, set.adversarials);
  const shown = set.indices.flatMap((index, i) => {
    const row = rows.get(index);
    return row === undefined ? [] : [{ row, i }];
  });
  type Shown = (typeof shown)[number];
  const cells = (of: (one: Shown) => Markup | string, kind = "") =>
    shown.map((one) => html`<td class="${kind}">${of(one)}</td>`);
  const image = (images: ImageSet["originals"], alt: (row: Row) => string) =>
    cells(({ row, i }) => html`<img src="${pngUri(images, i)}" alt="${alt(row)}">`);
  const predicted = (correct: boolean, index: number) =>
    html`${className(index)} <span class="${correct ? "right" : "wrong"}">${correct ? "✓ right" : "✗ wrong"}</span>`;
  const title = titleOf(strip, label);
  const random = shown.some(({ row }) => row.draws > 1);
  return html`
<div class="scroll" role="region" aria-label="${title}" tabindex="0"><table class="strip">
<caption>${title}</caption>
<thead><tr><th scope="col">test image</th>${shown.map(({ row }) => html`<th scope="col">${row.index}${fileOf(row)}</th>`)}</tr></thead>
<tbody>
<tr><th scope="row">true label</th>${cells(({ row }) => className(row.label))}</tr>
<tr><th scope="row">original</th>${image(set.originals, (row) => `test image ${row.index}${row.file === undefined ? "" : ` (${row.file})`}: ${className(row.label)}`)}</tr>
<tr><th scope="row">predicted</th>${cells(({ row }) => predicted(row.prediction === row.label, row.prediction))}</tr>
<tr><th scope="row">adversarial</th>${image(set.adversarials, (row) => `the same, attacked; predicted ${className(row.adversarialPrediction)}`)}</tr>
<tr><th scope="row">predicted</th>${cells(({ row }) => predicted(row.adversarialPrediction === row.label, row.adversarialPrediction))}</tr>
${random ? html`<tr><th scope="row">draws right</th>${cells(({ row }) => `${percent(row.clean)} → ${percent(row.correct)}`)}</tr>` : null}
<tr><th scope="row">difference<small>× ${factor}, grey is 0</small></th>${image(differences, (row) => `difference between the two images of test image ${row.index}, times ${factor}`)}</tr>
<tr><th scope="row">its norms</th>${cells(({ row }) => html`<span class="norm">ℓ∞ ${number(row.linf)}</span> <span class="norm">ℓ2 ${number(row.l2)}</span>`)}</tr>
</tbody></table></div>`;
}

/** Whether attacks skipped broken examples. Older settings name this option `onlyStanding`. */
const skipsBroken = ({ settings }: Evaluation): boolean =>
  settings?.options.onlyStanding === true || settings?.options.skipBroken === true;

/** The stored images of every model and attack; those below an attack's largest radius are in a closed `details`. */
export function imagesSection(evaluations: readonly Evaluation[]): Markup | null {
  const all = evaluations.flatMap((evaluation) => {
    const allStrips = strips(evaluation);
    const largest = (strip: Strip) =>
      allStrips.every(
        ({ attack, epsilon }) => attack !== strip.attack || (epsilon ?? 0) <= (strip.epsilon ?? 0),
      );
    return allStrips.map((strip) => ({ evaluation, strip, main: largest(strip) }));
  });
  if (all.length === 0) return null;
  const show = (main: boolean) =>
    all
      .filter((one) => one.main === main)
      .map(({ strip, evaluation }) => stripMarkup(strip, evaluation));
  const folded = show(false);
  const onlyBroken = evaluations.every(skipsBroken);
  return html`
<section aria-labelledby="images">
<h2 id="images">Images</h2>
<p>${onlyBroken ? "The first images that each attack broke" : "The first test images, their adversarial versions"}, and the difference. Predictions of a randomised model are its most frequent ones.</p>
${show(true)}
${folded.length > 0 ? html`<details><summary>Smaller radii</summary>${folded}</details>` : null}
</section>`;
}
