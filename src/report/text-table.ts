import type { Summary } from "../evaluate/summary.ts";
import { counted, percent, radius, range } from "./format.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: a name could move the cursor of a terminal.
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Columns of equal width, two spaces apart; the first is aligned to the left, the others to the right. */
export function textTable(lines: readonly (readonly string[])[]): string {
  const clean = lines.map((line) => line.map((cell) => cell.replace(unprintable, "?")));
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
const judged = ({ draws, rule }: Summary): string =>
  draws === 1 ? "" : `, ${draws} noise draws per image, rule ${rule}`;

function lines({ clean, attacks, unions }: Summary): string[][] {
  return [
    ["clean", percent(clean.mean), range(clean)],
    ...attacks.map(({ attack, epsilon, accuracy }) => [
      bounded(attack, epsilon),
      percent(accuracy.mean),
      range(accuracy),
    ]),
    ...unions
      .filter((union) => union.attacks.length > 1)
      .flatMap(({ union, minOfMeans, attacks: together }) => {
        const radii = together.flatMap(({ epsilon }) => (epsilon === null ? [] : radius(epsilon)));
        const which = unions.length > 1 ? `, ε ${radii.join(" + ")}` : "";
        return [
          [`union${which}`, percent(union.mean), range(union)],
          [`min of means${which}`, percent(minOfMeans), ""],
        ];
      }),
  ];
}

/** One evaluation for a terminal: each accuracy with its 95 % interval, in percent. */
export function summaryTable(summary: Summary): string {
  const { model, defense, data, protocol, examples } = summary;
  const of = `${model}${defense === model ? "" : ` (${defense})`} on ${data}`;
  const how = `${protocol} protocol, ${counted(examples, "image")}${judged(summary)}`;
  const table = textTable([["", "accuracy", "95 % interval"], ...lines(summary)]);
  return `${textTable([[`${of}: ${how}`]])}\n${table}`;
}
