import { z } from "zod";
import { printedTable1, type TheoryRow, theoryRow } from "../paper/theory/table1.ts";
import { theoryText } from "../paper/theory-text.ts";
import { command } from "./kit/command.ts";

/** Schema of the order of a norm: a number of at least 1, or inf. */
const order = (flag: string) => {
  const error = ({ input }: { readonly input?: unknown }) =>
    `${flag} is ${input}, but orders below 1 are not norms; give a number of at least 1, or inf`;
  return z.union([z.number().min(1, { error }), z.literal("inf")], { error });
};

/** `rampart theory`: the paper's Table 1 beside the values of Theorem 1. */
export const theoryCommand = command({
  summary:
    "Compare balls of two norms with equal volume: the paper's Table 1 beside exact ratios and bounds.",
  options: z.strictObject({
    dimensions: z
      .array(z.int().positive().max(1e9))
      .min(1)
      .default([...printedTable1.keys()])
      .describe("dimensions to compute, each up to 1e9"),
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
