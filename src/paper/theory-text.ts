import { textTable } from "../report/text-table.ts";
import type { TheoryRow } from "./theory/table1.ts";

const shown = (value: number | null, missing: string): string => {
  if (value === null) return missing;
  return Math.abs(value) < 1e-3 && value !== 0 ? value.toExponential(2) : value.toPrecision(7);
};

const cells = (row: TheoryRow): string[] => [
  String(row.dimension),
  shown(row.radius, ""),
  row.printed === null ? "–" : String(row.printed),
  shown(row.asPrinted, "–"),
  shown(row.hoeffding, "void"),
  shown(row.chernoff, "void"),
  shown(row.ratio, ""),
];

const header = ["d", "radius", "printed", "as printed", "Hoeffding", "Chernoff", "ratio"];

/** The rows of one pair of norms as a table for a terminal, with an explanation of its columns. */
export function theoryText(rows: readonly TheoryRow[]): string {
  const [{ p, q, slopePrinted, slopeTrue }] = rows;
  const printed = slopePrinted === null ? "" : `; as printed (Eq. 11) ${shown(slopePrinted, "")}`;
  return [
    `log10 of Vol(B_${p} ∩ B_${q}) / Vol(B_${q}), balls of equal volume, B_${q} of radius 1`,
    textTable([header, ...rows.map(cells)]),
    `ratio per dimension, as d grows: ${shown(slopeTrue, "")}${printed}`,
    "printed: the paper's Table 1; as printed: the paper's formula, which is not a bound (docs/theory.md)",
    "Hoeffding, Chernoff: valid upper bounds, void where they do not apply; ratio: the ratio itself",
  ].join("\n");
}
