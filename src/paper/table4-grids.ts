// Table 4 as grids, one per protocol: the sound one, the published one beside what the paper prints, and the cost.
import type { Interval } from "../math/statistics.ts";
import type { Measured } from "./defense-result.ts";
import { titles } from "./grids.ts";
import type { Grid, GridCell, GridRow } from "./report/grid.ts";
import type { ProtocolColumn, Table4Column } from "./table4.ts";

const none: GridCell = { text: "–" };
const share = (value: number) => value.toFixed(2);
const range = ({ low, high }: Interval) => `${share(low)}–${share(high)}`;

const times = (value: number | null): GridCell =>
  value === null ? none : { text: `${value.toFixed(2)}×` };

/** A cell of a row of accuracies. */
type Value = Measured | number | null | undefined;

const meanOf = (value: Value): number | null =>
  typeof value === "object" && value !== null ? value.mean : (value ?? null);

/** The number of images of a row, if all its measured cells have the same. */
function commonCount(values: readonly Value[]): number | null {
  const counts = new Set(
    values.flatMap((one) => (typeof one === "object" && one !== null ? one.examples : [])),
  );
  return counts.size === 1 ? Number([...counts][0]) : null;
}

/**
 * A row of accuracies, whose best values are marked; digits decide, since a reader sees no others. The label has the number
 * of images if it is the same in all cells, and otherwise each cell has it.
 */
function accuracies(label: string, values: readonly Value[]): GridRow {
  const count = commonCount(values);
  const texts = values.map((one) => meanOf(one)?.toFixed(2));
  const known = texts.flatMap((text) => text ?? []);
  const highest = known.length < 2 ? null : Math.max(...known.map(Number));
  const cells = values.map((one, i): GridCell => {
    const text = texts[i];
    if (text === undefined) return none;
    const cell = { text, value: Number(text), best: Number(text) === highest };
    if (typeof one !== "object" || one === null) return cell;
    const detail = count === null ? `${range(one)}, n ${one.examples}` : range(one);
    return Object.assign(cell, { detail });
  });
  return { label: count === null ? label : `${label}, n ${count}`, cells };
}

/** Rows without a single number are left out. */
const measuredRows = (rows: readonly GridRow[]): GridRow[] =>
  rows.filter(({ cells }) => cells.length === 0 || cells.some(({ text }) => text !== none.text));

const attacks = [
  ["Natural", "natural"],
  ["PGD-ℓ∞ 20", "pgdLinf"],
  ["PGD-ℓ2 20", "pgdL2"],
] as const;

/** The grids of Table 4. `setting` completes the titles: network, data and scale. */
export function table4Grids(columns: readonly Table4Column[], setting: string): Grid[] {
  const names = columns.map(({ defense }) => titles[defense] ?? defense);
  const of = (protocol: "sound" | "published", key: keyof ProtocolColumn) =>
    columns.map((column) => column[protocol][key]);
  const row = (label: string, protocol: "sound" | "published", key: keyof ProtocolColumn) =>
    accuracies(label, of(protocol, key));
  const heading = (label: string): GridRow => ({ label, cells: [] });
  const sound = [
    ...attacks.map(([label, key]) => row(label, "sound", key)),
    row("union of PGD", "sound", "unionPgd"),
    row("AutoAttack ℓ∞", "sound", "autoLinf"),
    row("AutoAttack ℓ2", "sound", "autoL2"),
    row("union of AutoAttack", "sound", "unionAuto"),
    row("C&W within ℓ2 0.83", "sound", "cwL2"),
    row("union with C&W", "sound", "union"),
    accuracies(
      "proven, ℓ∞",
      columns.map(({ lower }) => lower?.linf),
    ),
    accuracies(
      "proven or certified, ℓ2",
      columns.map(({ lower }) => lower?.l2),
    ),
  ];
  const published = [
    heading("measured here"),
    ...attacks.map(([label, key]) => row(label, "published", key)),
    row("C&W-ℓ2 60, no bound", "published", "cwL2"),
    row("min accuracy", "published", "minOfMeans"),
    heading("measured here, one noisy draw"),
    ...([...attacks, ["C&W-ℓ2 60, no bound", "cwL2"]] as const).map(([label, key]) =>
      accuracies(
        label,
        columns.map(({ oneDraw }) => oneDraw?.[key]),
      ),
    ),
    heading("the paper, as printed"),
    ...([...attacks, ["C&W-ℓ2 60, no bound", "cwL2"], ["min accuracy", "min"]] as const).map(
      ([label, key]) =>
        accuracies(
          label,
          columns.map(({ printed }) => printed[key]),
        ),
    ),
  ];
  const cost = [
    {
      label: "training time / AT ℓ∞'s",
      cells: columns.map(({ trainingTime }) => times(trainingTime)),
    },
    {
      label: "training FLOPs / AT ℓ∞'s",
      cells: columns.map(({ trainingWork }) => times(trainingWork)),
    },
  ];
  return [
    {
      title: `Table 4, sound protocol: ${setting}`,
      columns: names,
      rows: measuredRows(sound),
      notes: [
        "Accuracies with 95 % intervals; n is the number of test images, from the first one on. The best value of a row is bold.",
        "Randomised models are scored on noise draws that no attack saw. The strongest attack of a union is chosen per image, on one half of the draws, and scored on the other half.",
      ],
    },
    {
      title: `Table 4, published protocol: ${setting}`,
      columns: names,
      rows: measuredRows(published),
      notes: [
        "EOT 80; randomised models are scored without their noise, or by one draw of it. C&W has no bound. The minimum of mean accuracies is an upper bound of the accuracy under all attacks.",
      ],
    },
    { title: `Table 4, cost of training: ${setting}`, columns: names, rows: cost, notes: [] },
  ];
}
