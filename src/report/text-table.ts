import type { Summary } from "../evaluate/summary.ts";
import type { UnionSummary } from "../evaluate/union.ts";
import type { Interval } from "../math/statistics.ts";
import { ballsText, ballUnionsShown } from "./accuracy-table.ts";
import { curveName, verdict } from "./eot-words.ts";
import { counted, epsilonText, percent, radius, range } from "./format.ts";
import { printable } from "./printable.ts";

/** Aligned columns, two spaces apart: the first to the left, the others to the right. */
export function textTable(lines: readonly (readonly string[])[]): string {
  const clean = lines.map((line) => line.map(printable));
  const columns = Math.max(0, ...clean.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...clean.map(({ [i]: cell = "" }) => [...cell].length)),
  );
  const pad = (cell: string, i: number) => {
    const space = " ".repeat(widths[i] - [...cell].length);
    return i === 0 ? cell + space : space + cell;
  };
  return clean.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}

const bounded = (name: string, norm: string | null, epsilon: number | null) =>
  epsilon === null ? name : `${name}, ${epsilonText(norm, epsilon)}`;

/** The scoring of a randomised classifier; empty for a deterministic classifier. */
const scoring = ({ draws, rule, randomised }: Summary): string => {
  if (!randomised) return "";
  return draws === 1
    ? ", scored without its noise"
    : `, ${draws} noise draws per image, rule ${rule}`;
};

/** The radii of a union: `ε 0.031 + 0.83`; with ℓ0 also the norms, since its radius counts pixels. */
function radiiOf(union: UnionSummary): string {
  if (union.balls.some(({ norm }) => norm === "l0")) return ballsText(union);
  const radii = union.attacks.map(({ epsilon }) => epsilon).filter((epsilon) => epsilon !== null);
  return `ε ${radii.map(radius).join(" + ")}`;
}

/** The lines of a union over norms. The number that the protocol reports comes first. */
function unionLines(union: UnionSummary, { unions, headline }: Summary): string[][] {
  const suffix = unions.length > 1 ? `, ${radiiOf(union)}` : "";
  const worst = [`union${suffix}`, percent(union.union.mean), range(union.union)];
  const lowest = [`min of means${suffix}`, percent(union.minOfMeans)];
  return headline === "union" ? [worst, lowest] : [[...lowest, "upper bound"], worst];
}

function lines(summary: Summary): string[][] {
  const line = (name: string, accuracy: Interval, oneDraw: Interval | null) => {
    const cells = [name, percent(accuracy.mean), range(accuracy)];
    return oneDraw === null ? cells : [...cells, percent(oneDraw.mean)];
  };
  return [
    line("clean", summary.clean, summary.cleanOneDraw),
    ...summary.attacks.map(({ attack, norm, epsilon, accuracy, oneDraw }) =>
      line(bounded(attack, norm, epsilon), accuracy, oneDraw),
    ),
    ...ballUnionsShown(summary).map((union) =>
      line(`union in ${ballsText(union)}`, union.union, null),
    ),
    ...summary.unions
      .filter(({ attacks }) => attacks.length > 1)
      .flatMap((union) => unionLines(union, summary)),
  ];
}

/** One evaluation for a terminal: every accuracy with its 95 % interval, in percent. */
export function summaryTable(summary: Summary): string {
  const { model, defense, data, protocol, examples } = summary;
  const of = `${model}${defense === model ? "" : ` (${defense})`} on ${data}`;
  const how = `${protocol} protocol, ${counted(examples, "image")}${scoring(summary)}`;
  const heads = ["", "accuracy", "95 % interval"];
  if (summary.attacks.some((one) => one.oneDraw !== null)) heads.push("one noisy draw");
  const table = textTable([heads, ...lines(summary)]);
  const curves = summary.eotCurves.map((curve) =>
    printable(`EOT, ${curveName(curve)}: ${verdict(curve)}`),
  );
  return [textTable([[`${of}: ${how}`]]), table, ...curves].join("\n");
}
