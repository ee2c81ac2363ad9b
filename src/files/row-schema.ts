import { z } from "zod";

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();

/** Required fields of an evaluation's rows; see `evaluate/row.ts` for their meaning. Other fields are kept as they are. */
export const RowSchema = z.looseObject({
  model: z.string(),
  defense: z.string(),
  data: z.string(),
  index: count,
  file: z.string().optional(),
  label: z.int(),
  prediction: z.int(),
  adversarialPrediction: z.int(),
  attack: z.string(),
  norm: z.string().nullable(),
  epsilon: z.number().nullable(),
  objective: z.string().nullable(),
  eot: z.number(),
  restarts: count,
  steps: count,
  protocol: z.enum(["sound", "published"]),
  rule: z.string(),
  seed: z.number(),
  clean: share,
  correct: share,
  correctChoose: share,
  majority: share,
  correct8bit: share,
  // Rows of older versions lack it.
  oneDraw: z.number().nullable().default(null),
  linf: z.number(),
  l2: z.number(),
  l1: z.number(),
  l0: z.number().optional(),
  draws: z.int().positive(),
  queries: z.number(),
  seconds: z.number(),
});

/** The first problem of a value as a row: `correct: too big: expected number to be <=1`; undefined for a valid row. */
export function rowProblem(value: unknown): string | undefined {
  const { error } = RowSchema.safeParse(value);
  const [issue] = error?.issues ?? [];
  if (issue === undefined) return undefined;
  return `${issue.path.join(".") || "it"}: ${issue.message.toLowerCase()}`;
}
