import type { AttackSummary } from "../../evaluate/summary.ts";
import type { UnionSummary } from "../../evaluate/union.ts";
import type { Interval } from "../../math/statistics.ts";
import { ballsText, effort, members, unionsShown } from "../accuracy-table.ts";
import { dataTable, type TableLine } from "../data-table.ts";
import type { Evaluation } from "../evaluation.ts";
import { normName, number, percent, range } from "../format.ts";
import { html, type Markup } from "../html.ts";

const headsOf = (titles: readonly string[]) => titles.map((title) => ({ title }));

/** An accuracy with its 95 % interval below it. */
const share = (accuracy: Interval): Markup =>
  html`${percent(accuracy.mean)}<small>${range(accuracy)}</small>`;

/** Randomised models: a single prediction, the most frequent answer, and ten correct predictions in a row. */
export function randomisedSection(evaluations: readonly Evaluation[]): Markup | null {
  const randomised = evaluations.filter(({ summary }) => summary.randomised);
  if (randomised.every(({ summary }) => summary.attacks.length === 0)) return null;
  const sound = randomised.filter(({ summary }) => summary.protocol === "sound");
  const published = randomised.filter(({ summary }) => summary.protocol === "published");
  return html`
<section aria-labelledby="randomised">
<h2 id="randomised">Randomised models</h2>
<p>An attacker who may query again gets a fresh draw each time. The accuracy of one prediction therefore says less than how often <em>all</em> of ten are right.</p>
${sound.length === 0 ? null : soundTable(sound)}
${published.length === 0 ? null : publishedTable(published)}
</section>`;
}

/** The objectives that produced the worst examples: `mean-logits 60 %, transfer 40 %`. */
const objectivesOf = ({ objectives, examples }: AttackSummary): string =>
  Object.entries(objectives)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${percent(count / examples)}`)
    .join(", ");

function soundLine(evaluation: Evaluation, one: AttackSummary): TableLine {
  const { attack, epsilon, accuracy, majority, tenOfTen } = one;
  return {
    head: evaluation.label,
    cells: [
      { content: html`${attack}<small>${effort(evaluation, attack, epsilon)}</small>` },
      { content: share(accuracy) },
      { content: share(majority) },
      percent(tenOfTen),
      objectivesOf(one),
    ],
  };
}

const soundTable = (evaluations: readonly Evaluation[]): Markup =>
  dataTable({
    label: "Table of randomised models",
    caption:
      "Sound protocol: the same adversarial examples, judged in three ways, with 95 % intervals; and the objective that produced them.",
    heads: headsOf([
      "model",
      "attack",
      "one prediction right",
      "most frequent answer right",
      "right in all of 10 tries",
      "worst objective",
    ]),
    lines: evaluations.flatMap((evaluation) =>
      evaluation.summary.attacks.map((one) => soundLine(evaluation, one)),
    ),
  });

/** The lines of one model: clean and under each attack, without noise and with one noise draw. */
function publishedLines(evaluation: Evaluation): TableLine[] {
  const { label, summary } = evaluation;
  const line = (attack: Markup | string, without: Interval, noisy: Interval | null) =>
    noisy === null
      ? []
      : [
          {
            head: label,
            cells: [{ content: attack }, { content: share(without) }, { content: share(noisy) }],
          },
        ];
  return [
    ...line("none", summary.clean, summary.cleanOneDraw),
    ...summary.attacks.flatMap(({ attack, epsilon, accuracy, oneDraw }) => {
      const detail = effort(evaluation, attack, epsilon);
      return line(html`${attack}<small>${detail}</small>`, accuracy, oneDraw);
    }),
  ];
}

const publishedTable = (evaluations: readonly Evaluation[]): Markup =>
  dataTable({
    label: "Table of randomised models, published protocol",
    caption:
      "Published protocol: the network without its noise, as in the accuracies above, and one draw of the deployed classifier, with 95 % intervals.",
    heads: headsOf(["model", "attack", "without noise", "one noisy draw"]),
    lines: evaluations.flatMap(publishedLines),
  });

function attackLine(evaluation: Evaluation, one: AttackSummary): TableLine {
  const { label, summary } = evaluation;
  const norm = one.norm === null ? "" : `${normName(one.norm)}, `;
  return {
    head: label,
    cells: [
      {
        content: html`${one.attack}<small>${norm}${effort(evaluation, one.attack, one.epsilon)}</small>`,
      },
      summary.protocol,
      one.examples.toLocaleString("en"),
      { content: share(one.accuracy) },
      { content: share(one.accuracy8bit) },
      number(one.linf),
      number(one.l2),
      number(one.queries),
      number(one.seconds),
    ],
  };
}

/** The number of columns for norms and costs, which a union does not have. */
const COSTS = 4;

/** The two lines of a union: the number that the protocol reports comes first. */
function unionLines({ label, summary }: Evaluation, union: UnionSummary): TableLine[] {
  const line = (name: string, accuracy: Markup, rounded: Markup | null): TableLine => ({
    head: label,
    cells: [
      { content: html`${name}<small>${members(union)}</small>` },
      summary.protocol,
      union.examples.toLocaleString("en"),
      { content: accuracy },
      { content: rounded, className: rounded === null ? "empty" : "" },
      { content: null, span: COSTS, className: "empty" },
    ],
  });
  const lowest = html`${percent(union.minOfMeans)}<small>upper bound</small>`;
  const lines = [
    line(`union in ${ballsText(union)}`, share(union.union), share(union.union8bit)),
    line("min of means", lowest, null),
  ];
  return summary.headline === "union" ? lines : lines.reverse();
}

/** Every attack at every radius: accuracy, accuracy after rounding to 8 bits, norms and costs. */
export function detailSection(evaluations: readonly Evaluation[]): Markup | null {
  if (evaluations.every(({ summary }) => summary.attacks.length === 0)) return null;
  return html`
<section aria-labelledby="detail">
<h2 id="detail">Every attack in detail</h2>
<p>Adversarial pixels rounded to 256 levels are those that an image file would hold. A pass is one run of the network forward or backward; every noise draw counts. Seconds include scoring.</p>
${dataTable({
  label: "Table of attacks",
  caption: "Accuracies with 95 % intervals; norms and costs are means over images.",
  heads: headsOf([
    "model",
    "attack",
    "protocol",
    "images",
    "accuracy",
    "after rounding to 8 bits",
    "mean ℓ∞",
    "mean ℓ2",
    "passes per image",
    "seconds per image",
  ]),
  lines: evaluations.flatMap((evaluation) => [
    ...evaluation.summary.attacks.map((attack) => attackLine(evaluation, attack)),
    ...unionsShown(evaluation.summary).flatMap((union) => unionLines(evaluation, union)),
  ]),
})}
</section>`;
}
