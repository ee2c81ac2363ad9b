import type { Summary } from "../evaluate/summary.ts";
import { ballsText } from "./accuracy-table.ts";
import { counted, percent, radius, range } from "./format.ts";
import { printable } from "./printable.ts";
import { curveName, verdict } from "./sections/eot.ts";

/** Columns of equal width, two spaces apart; the first is aligned to the left, the others to the right. */
export function textTable(lines: readonly (readonly string[])[]): string {
  const clean = lines.map((line) => line.map(printable));
  const columns = Math.max(0, ...clean.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...clean.map((line) => [...(line[i] ?? "")].length)),
  );
  const pad = (cell: string, i: number) => {
    const space = " ".repeat(widths[i] - [...cell].length);
    return i === 0 ? cell + space : space + cell;
  };
  return clean.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}

const bounded = (name: string, epsilon: number | null) =>
  epsilon === null ? name : `${name}, ε ${radius(epsilon)}`;

/** What a randomised classifier's accuracy is an average over. */
const judged = ({ draws, rule, randomised }: Summary): string => {
  if (!randomised) return "";
  return draws === 1
    ? ", scored without its noise"
    : `, ${draws} noise draws per image, rule ${rule}`;
};

function lines({
  clean,
  cleanOneDraw,
  attacks,
  unions,
  ballUnions,
  headline,
}: Summary): string[][] {
  const beside = (oneDraw: { readonly mean: number } | null) =>
    oneDraw === null ? [] : [percent(oneDraw.mean)];
  return [
    ["clean", percent(clean.mean), range(clean), ...beside(cleanOneDraw)],
    ...attacks.map(({ attack, epsilon, accuracy, oneDraw }) => [
      bounded(attack, epsilon),
      percent(accuracy.mean),
      range(accuracy),
      ...beside(oneDraw),
    ]),
    ...(ballUnions.length > 1 ? ballUnions : [])
      .filter((union) => union.attacks.length > 1)
      .map((one) => [`union in ${ballsText(one)}`, percent(one.union.mean), range(one.union)]),
    ...unions
      .filter((union) => union.attacks.length > 1)
      .flatMap(({ union, minOfMeans, attacks: together }) => {
        const radii = together.flatMap(({ epsilon }) => (epsilon === null ? [] : radius(epsilon)));
        const which = unions.length > 1 ? `, ε ${radii.join(" + ")}` : "";
        const worst = [`union${which}`, percent(union.mean), range(union)];
        const lowest = [`min of means${which}`, percent(minOfMeans)];
        return headline === "union" ? [worst, lowest] : [[...lowest, "upper bound"], worst];
      }),
  ];
}

/** One evaluation for a terminal: each accuracy with its 95 % interval, in percent. */
export function summaryTable(summary: Summary): string {
  const { model, defense, data, protocol, examples } = summary;
  const of = `${model}${defense === model ? "" : ` (${defense})`} on ${data}`;
  const how = `${protocol} protocol, ${counted(examples, "image")}${judged(summary)}`;
  const oneDraw = summary.attacks.some((one) => one.oneDraw !== null) ? ["one noisy draw"] : [];
  const table = textTable([["", "accuracy", "95 % interval", ...oneDraw], ...lines(summary)]);
  const curves = summary.eotCurves.map((curve) =>
    printable(`EOT, ${curveName(curve)}: ${verdict(curve)}`),
  );
  return [textTable([[`${of}: ${how}`]]), table, ...curves].join("\n");
}
