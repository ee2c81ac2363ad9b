import { z } from "zod";
import { DamagedLine, readRowLines } from "../files/row-lines.ts";
import { fieldProblem } from "../files/row-schema.ts";
import type { StoredRows } from "../files/rows/rows-file.ts";
import { UsageError } from "../math/usage-error.ts";

/** What is known about an image in a ball. */
export const proofStatuses = ["proven", "broken", "undecided"] as const;
export type ProofStatus = (typeof proofStatuses)[number];

/** A proof that an attack refutes: what it claimed, and where both are written. */
const RefutedProof = z.looseObject({
  /** The method of the proof, and the bound of the margin that it gave. */
  method: z.string().nullable(),
  margin: z.number().nullable(),
  attack: z.string(),
  /** Paths of the proof with the attack's row, and of the images; null where nothing is written. */
  record: z.string().nullable(),
  image: z.string().nullable(),
});

/** What is known about one image in one ball. `docs/rows.md` says what each field means. */
export const ProofRow = z.looseObject({
  /** Index in the test split. */
  index: z.int().nonnegative(),
  label: z.int(),
  norm: z.enum(["linf", "l2", "l1"]),
  /** Radius, for pixels in [0, 1]. */
  epsilon: z.number().nonnegative(),
  status: z.enum(proofStatuses),
  /** Proven: the last method of proof that was needed. Broken: the attack, or `clean`. Undecided: null. */
  method: z.string().nullable(),
  /** Lower bound, over the ball, of the label's logit minus the largest other one, float32 subtracted; null without a finite bound. */
  margin: z.number().nullable(),
  /** What was subtracted for the float32 evaluation of the network; null without a finite bound. */
  floatError: z.number().nullable(),
  /** Time that proofs took. */
  seconds: z.number().nonnegative(),
  /** CRC-32 of the clean image's pixels as float32, eight hexadecimal digits; absent in rows of earlier versions. */
  image: z.string().optional(),
  /** The target of the network, whose evaluation the proof is about, and that of the bounds. */
  runtime: z.record(z.string(), z.unknown()),
  /** For an image that was proven and that an attack broke: the wrong proof. This row follows the row of that proof. */
  refuted: RefutedProof.optional(),
});
export type ProofRow = z.output<typeof ProofRow>;

/** Identifies a row within a file. */
export const proofName = ({
  index,
  norm,
  epsilon,
}: Pick<ProofRow, "index" | "norm" | "epsilon">): string => `${index} ${norm} ${epsilon}`;

const next = "delete that line and continue with --resume, or choose another --out";

/**
 * The rows in a text; a row that refutes a proof replaces the row of the proof. Throws `UsageError` for a damaged line,
 * another kind of row, a ball of an image that has two other rows, and whatever `check` throws; its `what`
 * begins the message.
 */
export function parseProofs(
  file: string,
  contents: string,
  check: (row: ProofRow, what: string) => void = () => undefined,
): StoredRows<ProofRow> {
  const refuse = (why: string) => new UsageError(why, { code: "bad-file", next });
  const seen = new Map<string, ProofRow>();
  try {
    const { rows, whole } = readRowLines(file, contents);
    for (const { line, value } of rows) {
      const result = ProofRow.safeParse(value);
      if (!result.success)
        throw refuse(
          `${file}:${line} is not a row of rampart audit --prove: ${fieldProblem(result.error.issues[0])}`,
        );
      const { data } = result;
      const before = seen.get(proofName(data));
      const isRefuted = before?.status === "proven" && data.refuted !== undefined;
      if (before !== undefined && !isRefuted)
        throw refuse(
          `${file}:${line} is a second row of image ${data.index} in ${data.norm} ${data.epsilon}`,
        );
      check(data, `${file}:${line} is not a row of this audit`);
      seen.set(proofName(data), data);
    }
    return { rows: [...seen.values()], whole };
  } catch (error) {
    if (error instanceof DamagedLine) throw refuse(error.message);
    throw error;
  }
}
