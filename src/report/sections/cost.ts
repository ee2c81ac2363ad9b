import type { AccuracyTable, Cell, Column } from "../accuracy-table.ts";
import { chartMarkup, legend, type Series } from "../chart.ts";
import { dataTable } from "../data-table.ts";
import type { Evaluation } from "../evaluation.ts";
import { macsText, percent, range } from "../format.ts";
import { html, type Markup } from "../html.ts";

/** A model whose cost is known, with its clean accuracy and its accuracy under attack. */
interface Costed {
  readonly evaluation: Evaluation;
  readonly macs: number;
  readonly clean: Cell;
  readonly attacked: Cell;
}

/** The models with a number in `attacked`, whose settings state the cost of a prediction. */
function costed({ columns, lines }: AccuracyTable, attacked: Column): Costed[] {
  const clean = columns.find(({ kind }) => kind === "clean");
  return lines.flatMap(({ evaluation, cells }) => {
    const macs = evaluation.settings?.model.macs ?? 0;
    const found = { clean: cells.get(clean?.key ?? ""), attacked: cells.get(attacked.key) };
    if (macs <= 0 || found.clean === undefined || found.attacked === undefined) return [];
    return [{ evaluation, macs, clean: found.clean, attacked: found.attacked }];
  });
}

/** The column of attacks that most models share; of several, the column that the protocol would report. */
function sharedColumn(table: AccuracyTable): Column | undefined {
  const [union, attack] = [["union", "min of means"], ["attack"]].map((kinds) =>
    table.columns.filter(({ kind }) => kinds.includes(kind)),
  );
  const shared = (column: Column) => costed(table, column).length;
  const most = [...union, ...attack].toSorted((a, b) => shared(b) - shared(a));
  return most.find((column) => shared(column) > 1);
}

const seriesOf = (
  models: readonly Costed[],
  cell: "clean" | "attacked",
  places: ReadonlyMap<string, number>,
): Series[] =>
  models.map(({ evaluation: { label }, macs, [cell]: { mean, interval } }) => ({
    name: label,
    place: places.get(label) ?? 0,
    shape: "dots",
    points: [{ x: macs, y: mean, low: interval?.low ?? mean, high: interval?.high ?? mean }],
  }));

const nameOf = ({ title, detail }: Column): string =>
  detail === "" ? title : `${title}, ${detail}`;

/** Accuracy against the cost of a prediction; null unless the costs of several models are known. */
export function costSection(
  table: AccuracyTable,
  id: string,
  places: ReadonlyMap<string, number>,
): Markup | null {
  const column = sharedColumn(table);
  if (column === undefined) return null;
  const models = costed(table, column);
  const labels = models.map(({ evaluation: { label } }) => label);
  const shown = [
    { cell: "clean", title: "Clean accuracy" },
    { cell: "attacked", title: `Accuracy under attack (${nameOf(column)})` },
  ] as const;
  const charts = shown.map(({ cell, title }) =>
    chartMarkup({
      title: `${title} against the cost of a prediction`,
      x: "multiply-accumulate operations of a prediction",
      y: "accuracy",
      share: true,
      log: 10,
      series: seriesOf(models, cell, places),
    }),
  );
  const cellText = ({ mean, interval }: Cell): Markup =>
    html`${percent(mean)}<small>${interval === null ? "upper bound" : range(interval)}</small>`;
  return html`
<section aria-labelledby="${id}">
<h2 id="${id}">Cost against robustness on ${table.data}, ${table.protocol} protocol</h2>
<p>The cost is for one prediction on one image: the multiply-accumulate operations of its convolutions and matrix products. It does not depend on the machine. Up and to the left is better.</p>
${legend(
  labels,
  labels.map((label) => places.get(label) ?? 0),
)}
<div class="charts">${charts}</div>
${dataTable({
  label: "Table of costs",
  caption: "Models by the cost of a prediction. Accuracy in percent, with 95 % intervals below it.",
  heads: [{ title: "model" }, { title: "operations" }, { title: "clean" }, column],
  lines: models
    .toSorted((a, b) => a.macs - b.macs)
    .map(({ evaluation: { label }, macs, clean, attacked }) => ({
      head: label,
      cells: [macsText(macs), { content: cellText(clean) }, { content: cellText(attacked) }],
    })),
})}
</section>`;
}
