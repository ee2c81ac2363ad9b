import { z } from "zod";
import { textTable } from "../report/text-table.ts";
import { printedTable1, type TheoryRow, theoryRow } from "../theory/table1.ts";
import { command } from "./command.ts";

/** The order of a norm, as `flag` gives it. */
const order = (flag: string) => {
  const error = ({ input }: { readonly input?: unknown }) =>
    `${flag} is ${input}, but below 1 it is no norm; give a number of at least 1, or inf`;
  return z.union([z.number().min(1, { error }), z.literal("inf")], { error });
};

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

/** Rows of one pair of norms as a table that fits a terminal, and what its columns are. */
export function theoryText(rows: readonly TheoryRow[]): string {
  const [{ p, q, slopePrinted, slopeTrue }] = rows;
  const printed = slopePrinted === null ? "" : `; as printed (Eq. 11) ${shown(slopePrinted, "")}`;
  return [
    `log10 of Vol(B_${p} ∩ B_${q}) / Vol(B_${q}), balls of equal volume, B_${q} of radius 1`,
    textTable([header, ...rows.map(cells)]),
    `ratio per dimension, as d grows: ${shown(slopeTrue, "")}${printed}`,
    "printed: the paper's Table 1; as printed: the formula behind it, which is no bound (docs/theory.md)",
    "Hoeffding, Chernoff: bounds that hold, void where they say nothing; ratio: the number itself",
  ].join("\n");
}

/** `rampart theory`: the paper's Table 1 beside what Theorem 1 gives. */
export const theoryCommand = command({
  summary: "Compare two norms' balls of equal volume: the paper's Table 1, bounds, and the ratio.",
  options: z.strictObject({
    dimensions: z
      .array(z.int().positive().max(1e9))
      .min(1)
      .default([...printedTable1.keys()])
      .describe("numbers of dimensions, up to 1e9"),
    p: order("--p").default(2).describe("order of the first norm, at least 1, or inf"),
    q: order("--q").default("inf").describe("order of the second norm, whose ball has radius 1"),
  }),
  examples: ["rampart theory", "rampart theory --dimensions 784 --p 1 --q 2 --json"],
  async run({ dimensions, p, q }, { print, emit, signal }) {
    const rows: TheoryRow[] = [];
    for (const dimension of dimensions) {
      signal.throwIfAborted();
      const row = theoryRow(dimension, p, q);
      emit(row);
      rows.push(row);
    }
    print(...theoryText(rows).split("\n"));
  },
});
