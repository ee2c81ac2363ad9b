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
  image: z.string().optional(),
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

/** What is wrong with a field of a row: `its field correct is invalid (too big: expected number to be <=1)`. */
export const fieldProblem = ({ path, message }: Pick<z.core.$ZodIssue, "path" | "message">) =>
  `${path.length === 0 ? "it" : `its field ${path.join(".")}`} is invalid (${message.toLowerCase()})`;

/** The first problem of a value as a row; undefined for a valid row. */
export function rowProblem(value: unknown): string | undefined {
  const { error } = RowSchema.safeParse(value);
  const [issue] = error?.issues ?? [];
  return issue === undefined ? undefined : fieldProblem(issue);
}
