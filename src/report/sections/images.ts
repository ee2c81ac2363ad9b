import type { Row } from "../../evaluate/row.ts";
import { NO_CLASS } from "../../math/tensor.ts";
import { amplified } from "../difference.ts";
import type { Evaluation, ImageSet } from "../evaluation.ts";
import { counted, epsilonText, number, percent } from "../format.ts";
import { html, type Markup } from "../html.ts";
import { pngUri } from "../png.ts";

/** The images of one attack at one radius, with its rows by index of the test image. */
interface Strip {
  readonly set: ImageSet;
  readonly rows: ReadonlyMap<number, Row>;
  readonly attack: string;
  readonly norm: string | null;
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
    const [{ attack, norm, epsilon }] = ofSet;
    return [{ set, rows: new Map(ofSet.map((row) => [row.index, row])), attack, norm, epsilon }];
  });

const titleOf = ({ attack, norm, epsilon }: Strip, label: string): string =>
  `${label} under ${attack}${epsilon === null ? "" : `, ${epsilonText(norm, epsilon)}`}`;

/** The norms of a perturbation: ℓ∞ and ℓ2, and for an attack in ℓ0 the number of changed pixels. */
const lengthsOf = ({ linf, l2, l0 }: Row): Markup =>
  html`ℓ∞ ${number(linf)}<br />ℓ2 ${number(l2)}${l0 === undefined ? null : html`<br />${counted(l0, "pixel")}`}`;

/** An example of a strip: its row, and the three images as data URIs. */
interface Shown {
  readonly row: Row;
  readonly original: string;
  readonly adversarial: string;
  readonly difference: string;
}

/** A strip of an evaluation, with its images that fit into the file. */
interface Gallery {
  readonly evaluation: Evaluation;
  readonly strip: Strip;
  /** Whether the strip has the attack's largest radius. */
  readonly main: boolean;
  /** Factor of the differences. */
  readonly factor: number;
  readonly stored: number;
  readonly shown: readonly Shown[];
}

/** The total number of characters for all images of a report, which keeps the file below 5 MB. */
const MAX_LETTERS = 3_500_000;
/** The number of examples shown per attack. */
const MAX_SHOWN = 12;

/** The images of a strip, each encoded when it is requested. */
function* examplesOf({ set, rows }: Strip, differences: ImageSet["originals"]): Generator<Shown> {
  for (const [i, index] of set.indices.entries()) {
    const row = rows.get(index);
    if (row === undefined) continue;
    yield {
      row,
      original: pngUri(set.originals, i),
      adversarial: pngUri(set.adversarials, i),
      difference: pngUri(differences, i),
    };
  }
}

const lettersOf = ({ original, adversarial, difference }: Shown): number =>
  original.length + adversarial.length + difference.length;

/** The strips with their images. All strips get their first example, then all get their second, until the file is full. */
function galleries(
  all: readonly Omit<Gallery, "factor" | "stored" | "shown">[],
  maxLetters: number,
): Gallery[] {
  const filled = all.map((one) => {
    const { set, rows } = one.strip;
    const { factor, images } = amplified(set.originals, set.adversarials);
    const stored = set.indices.filter((index) => rows.has(index)).length;
    const shown: Shown[] = [];
    return {
      gallery: { ...one, factor, stored, shown },
      source: examplesOf(one.strip, images),
      shown,
    };
  });
  // Images at the largest radius come first.
  const order = [...filled].sort((a, b) => Number(b.gallery.main) - Number(a.gallery.main));
  let letters = 0;
  for (let place = 0; place < MAX_SHOWN; place++)
    for (const { source, shown } of order) {
      const { value } = source.next();
      if (value === undefined || letters + lettersOf(value) > maxLetters) continue;
      letters += lettersOf(value);
      shown.push(value);
    }
  return filled.map(({ gallery }) => gallery);
}

/** One image that opens at full size: a link to itself, which the style sheet then enlarges to the window. */
const view = (id: string, uri: string, alt: string, caption: Markup): Markup => html`
<figure class="view" id="${id}"><a href="#${id}"><img src="${uri}" alt="${alt}"></a><figcaption>${caption}</figcaption><a class="close" href="#images">Close</a></figure>`;

const verdictOf = (correct: boolean): Markup =>
  html`<span class="${correct ? "right" : "wrong"}">${correct ? "✓ right" : "✗ wrong"}</span>`;

/** One example: original, adversarial image and difference side by side. */
function exampleMarkup(
  { row, original, adversarial, difference }: Shown,
  id: string,
  { evaluation, factor }: Gallery,
): Markup {
  const { settings } = evaluation;
  const className = (index: number) =>
    index === NO_CLASS ? "no class" : (settings?.model.classNames[index] ?? `class ${index}`);
  const { index, file, label, prediction, adversarialPrediction: attacked } = row;
  const named = `test image ${index}${file === undefined ? "" : ` (${file})`}`;
  const draws =
    row.draws > 1
      ? html`<small>draws right: ${percent(row.clean)} → ${percent(row.correct)}</small>`
      : null;
  return html`
<li><p><b>Test image ${index}</b>: ${className(label)}${file === undefined ? null : html`<small>${file}</small>`}</p>
<div class="trio">${view(`${id}-a`, original, `${named}: ${className(label)}`, html`original<br />${className(prediction)} ${verdictOf(prediction === label)}`)}
${view(`${id}-b`, adversarial, `the same, attacked; predicted ${className(attacked)}`, html`adversarial<br />${className(attacked)} ${verdictOf(attacked === label)}`)}
${view(`${id}-c`, difference, `difference between the two images of ${named}, times ${factor}`, html`difference × ${factor}<br />${lengthsOf(row)}`)}</div>${draws}</li>`;
}

function galleryMarkup(gallery: Gallery, id: string): Markup {
  const { strip, evaluation, stored, shown } = gallery;
  const fewer =
    shown.length < stored
      ? html`<p>${shown.length.toLocaleString("en")} of ${counted(stored, "stored image")}, to keep this file small; the file .examples.npz beside the rows holds all.</p>`
      : null;
  return html`
<h3>${titleOf(strip, evaluation.label)}</h3>
${fewer}
<ul class="gallery">${shown.map((one, i) => exampleMarkup(one, `${id}-${i}`, gallery))}</ul>`;
}

/** Whether attacks skipped broken examples. Older settings name this option `onlyStanding`. */
const skipsBroken = ({ settings }: Evaluation): boolean =>
  settings?.options.onlyStanding === true || settings?.options.skipBroken === true;

/** The stored images of every model and attack. Images at smaller radii are in a closed `details`. */
export function imagesSection(
  evaluations: readonly Evaluation[],
  maxLetters = MAX_LETTERS,
): Markup | null {
  const all = galleries(
    evaluations.flatMap((evaluation) => {
      const allStrips = strips(evaluation);
      const largest = (strip: Strip) =>
        allStrips.every(
          ({ attack, epsilon }) =>
            attack !== strip.attack || (epsilon ?? 0) <= (strip.epsilon ?? 0),
        );
      return allStrips.map((strip) => ({ evaluation, strip, main: largest(strip) }));
    }),
    maxLetters,
  ).map((gallery, i) => ({ gallery, id: `view-${i}` }));
  if (all.length === 0) return null;
  const show = (main: boolean) =>
    all
      .filter(({ gallery }) => gallery.main === main)
      .map(({ gallery, id }) => galleryMarkup(gallery, id));
  const folded = show(false);
  const onlyBroken = evaluations.every(skipsBroken);
  return html`
<section aria-labelledby="images">
<h2 id="images">Images</h2>
<p>${onlyBroken ? "The first images that each attack broke" : "The first test images, their adversarial versions"}, and the difference, in which grey is 0. Select an image to see it at full size. Predictions of a randomised model are its most frequent ones.</p>
${show(true)}
${folded.length > 0 ? html`<details><summary>Smaller radii</summary>${folded}</details>` : null}
</section>`;
}
