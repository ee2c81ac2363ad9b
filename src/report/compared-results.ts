import { z } from "zod";
import { openedJson } from "../files/sealed.ts";
import { UsageError } from "../math/usage-error.ts";
import type { ComparedResult } from "./compared.ts";
import type { RowsFile, Tools } from "./evaluation.ts";
import { evaluationsOf } from "./evaluations.ts";

/** The rows of a result, and the text of the summary.json beside them; null if there is none. */
export interface ResultFile extends RowsFile {
  readonly auditSummary: string | null;
}

const TimedBall = z.object({
  norm: z.string(),
  epsilon: z.number(),
  attacked: z.number(),
  right: z.number(),
  finished: z.boolean().default(false),
});

const AuditSummary = z.object({
  valid: z.boolean(),
  budget: z.string(),
  examples: z.number().optional(),
  convergence: z.array(TimedBall).nullish(),
  smallest: z.array(z.object({ images: z.number() })).nullish(),
});

/** The contents of an audit's summary.json; null for any other text. */
export function auditSummaryOf(text: string | null): ComparedResult["audit"] {
  if (text === null) return null;
  try {
    const found = AuditSummary.safeParse(openedJson("summary.json", text, "")).data;
    if (found === undefined) return null;
    const { valid, budget, examples, convergence: timed = null, smallest } = found;
    const searchedAll = smallest?.every(({ images }) => images === examples) ?? true;
    return { valid, budget, examples, timed, searchedAll };
  } catch {
    return null;
  }
}

/**
 * Both results with distinct labels: `labels`, or else the names of their models, with the files if the names are equal.
 * Throws `UsageError` for rows of several evaluations.
 */
export function comparedResults(
  before: ResultFile,
  after: ResultFile,
  tools: Tools,
  labels?: readonly [before: string, after: string],
): readonly [ComparedResult, ComparedResult] {
  for (const source of [before, after]) {
    const own = evaluationsOf([source], tools);
    if (own.length > 1)
      throw new UsageError(
        `${source.file} holds rows of ${own.length} evaluations (${own.map(({ label }) => label).join(", ")}); a comparison needs one model, protocol and seed per file`,
        { code: "misfit" },
      );
  }
  const evaluations = evaluationsOf([before, after], tools);
  const [a, b] = evaluations.map((one, i) =>
    labels === undefined ? one : Object.assign({}, one, { label: labels[i] }),
  );
  return [
    { evaluation: a, audit: auditSummaryOf(before.auditSummary) },
    { evaluation: b, audit: auditSummaryOf(after.auditSummary) },
  ];
}
