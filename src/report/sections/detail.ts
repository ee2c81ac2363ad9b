import type { AttackSummary } from "../../evaluate/summary.ts";
import type { UnionSummary } from "../../evaluate/union.ts";
import type { Interval } from "../../math/statistics.ts";
import { ballsText, effort, members, unionsShown } from "../accuracy-table.ts";
import type { Evaluation } from "../evaluation.ts";
import { normName, number, percent, range } from "../format.ts";
import { html, type Markup } from "../html.ts";

const heads = (names: readonly string[]) => names.map((name) => html`<th scope="col">${name}</th>`);

/** For randomised models: one prediction, the majority of draws, and being right ten times in a row. */
export function randomisedSection(evaluations: readonly Evaluation[]): Markup | null {
  const random = evaluations.filter(({ summary }) => summary.randomised);
  if (random.every(({ summary }) => summary.attacks.length === 0)) return null;
  const sound = random.filter(({ summary }) => summary.protocol === "sound");
  const published = random.filter(({ summary }) => summary.protocol === "published");
  return html`
<section aria-labelledby="randomised">
<h2 id="randomised">Randomised models</h2>
<p>Somebody who may ask again gets a fresh draw each time. The accuracy of one prediction therefore says less than how often <em>all</em> of ten are right.</p>
${sound.length === 0 ? null : soundTable(sound)}
${published.length === 0 ? null : publishedTable(published)}
</section>`;
}

/** Which objective the examples came from: `mean-logits 60 %, transfer 40 %`. */
const cameFrom = ({ objectives, examples }: AttackSummary): string =>
  Object.entries(objectives)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${percent(count / examples)}`)
    .join(", ");

const soundTable = (evaluations: readonly Evaluation[]): Markup => html`
<div class="scroll" role="region" aria-label="Table of randomised models" tabindex="0"><table>
<caption>Sound protocol: the same adversarial examples, judged in three ways, with 95 % intervals; and the objective that led to them.</caption>
<thead><tr>${heads(["model", "attack", "one prediction right", "majority of draws right", "right in all of 10 tries", "worst objective"])}</tr></thead>
<tbody>${evaluations.map((evaluation) =>
  evaluation.summary.attacks.map((one) => {
    const { attack, epsilon, accuracy, majority, tenOfTen } = one;
    return html`
<tr><th scope="row">${evaluation.label}</th><td>${attack}<small>${effort(evaluation, attack, epsilon)}</small></td><td>${percent(accuracy.mean)}<small>${range(accuracy)}</small></td><td>${percent(majority.mean)}<small>${range(majority)}</small></td><td>${percent(tenOfTen)}</td><td>${cameFrom(one)}</td></tr>`;
  }),
)}
</tbody></table></div>`;

const publishedTable = (evaluations: readonly Evaluation[]): Markup => {
  const line = (
    label: string,
    attack: Markup | string,
    without: Interval,
    noisy: Interval | null,
  ) =>
    noisy === null
      ? null
      : html`
<tr><th scope="row">${label}</th><td>${attack}</td><td>${percent(without.mean)}<small>${range(without)}</small></td><td>${percent(noisy.mean)}<small>${range(noisy)}</small></td></tr>`;
  return html`
<div class="scroll" role="region" aria-label="Table of randomised models, published protocol" tabindex="0"><table>
<caption>Published protocol: the network without its noise, which the accuracies are of, and one draw of the classifier that is deployed, with 95 % intervals.</caption>
<thead><tr>${heads(["model", "attack", "without noise", "one noisy draw"])}</tr></thead>
<tbody>${evaluations.map(({ label, summary, ...rest }) => [
    line(label, "none", summary.clean, summary.cleanOneDraw),
    ...summary.attacks.map(({ attack, epsilon, accuracy, oneDraw }) => {
      const detail = effort({ label, summary, ...rest }, attack, epsilon);
      return line(label, html`${attack}<small>${detail}</small>`, accuracy, oneDraw);
    }),
  ])}
</tbody></table></div>`;
};

function attackLine(evaluation: Evaluation, one: AttackSummary): Markup {
  const { label, summary } = evaluation;
  const norm = one.norm === null ? "" : `${normName(one.norm)}, `;
  const costs = [one.linf, one.l2, one.queries, one.seconds];
  return html`
<tr><th scope="row">${label}</th><td>${one.attack}<small>${norm}${effort(evaluation, one.attack, one.epsilon)}</small></td><td>${summary.protocol}</td><td>${one.examples.toLocaleString("en")}</td><td>${percent(one.accuracy.mean)}<small>${range(one.accuracy)}</small></td><td>${percent(one.accuracy8bit.mean)}<small>${range(one.accuracy8bit)}</small></td>${costs.map((cost) => html`<td>${number(cost)}</td>`)}</tr>`;
}

function unionLines({ label, summary }: Evaluation, union: UnionSummary): Markup {
  const line = (name: string, accuracy: Markup, rounded: Markup | null) => html`
<tr><th scope="row">${label}</th><td>${name}<small>${members(union)}</small></td><td>${summary.protocol}</td><td>${union.examples.toLocaleString("en")}</td><td>${accuracy}</td><td>${rounded}</td><td colspan="4"></td></tr>`;
  const { union: worst, union8bit, minOfMeans } = union;
  const share = (one: Interval) => html`${percent(one.mean)}<small>${range(one)}</small>`;
  const both = [
    line(`union in ${ballsText(union)}`, share(worst), share(union8bit)),
    line("min of means", html`${percent(minOfMeans)}<small>upper bound</small>`, null),
  ];
  return html`${summary.headline === "union" ? both : both.reverse()}`;
}

/** Every attack at every radius: accuracy, what 8-bit storage changes, sizes and costs. */
export function detailSection(evaluations: readonly Evaluation[]): Markup | null {
  if (evaluations.every(({ summary }) => summary.attacks.length === 0)) return null;
  const columns = ["model", "attack", "protocol", "images", "accuracy", "after rounding to 8 bits"];
  const costs = ["mean ℓ∞", "mean ℓ2", "passes per image", "seconds per image"];
  return html`
<section aria-labelledby="detail">
<h2 id="detail">Every attack in detail</h2>
<p>Adversarial pixels rounded to 256 levels are what an image file would hold. A pass is one run of the network forward or backward; every noise draw counts. Seconds include scoring.</p>
<div class="scroll" role="region" aria-label="Table of attacks" tabindex="0"><table>
<caption>Accuracies with 95 % intervals; norms and costs are means over images.</caption>
<thead><tr>${heads([...columns, ...costs])}</tr></thead>
<tbody>${evaluations.map((evaluation) => [
    evaluation.summary.attacks.map((attack) => attackLine(evaluation, attack)),
    unionsShown(evaluation.summary).map((union) => unionLines(evaluation, union)),
  ])}
</tbody></table></div>
</section>`;
}
