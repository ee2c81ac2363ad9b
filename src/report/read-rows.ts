import { z } from "zod";
import type { Row } from "../evaluate/row.ts";
import { UsageError } from "../math/usage-error.ts";

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();

/** What every line must hold; other fields are kept as they are. */
const RowLine: z.ZodType<Row> = z.looseObject({
  ...{ model: z.string(), defense: z.string(), data: z.string() },
  ...{ index: count, label: z.int(), prediction: z.int(), adversarialPrediction: z.int() },
  ...{ attack: z.string(), norm: z.string().nullable(), epsilon: z.number().nullable() },
  ...{ objective: z.string().nullable(), eot: z.number(), restarts: count, steps: count },
  ...{ protocol: z.enum(["sound", "published"]), rule: z.string(), seed: z.number() },
  ...{ clean: share, correct: share, correctChoose: share, majority: share, correct8bit: share },
  oneDraw: z.number().nullable().default(null), // rows were written without it before it was there
  ...{ linf: z.number(), l2: z.number(), l1: z.number() },
  ...{ draws: z.int().positive(), queries: z.number(), seconds: z.number() },
});

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const problem = (line: string): string => {
  const value = parsed(line);
  if (value === undefined) return `it is not JSON: ${line.slice(0, 60)}`;
  const { error } = RowLine.safeParse(value);
  const [issue] = error?.issues ?? [];
  return `${issue?.path.join(".") || "it"}: ${issue?.message.toLowerCase()}`;
};

/**
 * The rows of a ROWS.jsonl. A last line without its end is what a killed evaluation leaves: it is passed over with a
 * note. Any other line that is no row is an error that names it.
 */
export function readRows(
  file: string,
  contents: string,
): { readonly rows: readonly Row[]; readonly notes: readonly string[] } {
  const lines = contents.split("\n");
  const torn = lines.pop() ?? "";
  const rows: Row[] = [];
  const last = RowLine.safeParse(parsed(torn)).data;
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const row = RowLine.safeParse(parsed(line)).data;
    if (row === undefined)
      throw new UsageError(`${file}:${i + 1} is no row (${problem(line)})`, {
        code: "bad-file",
        next: "delete that line and run the evaluation with --resume, or evaluate again",
      });
    rows.push(row);
  }
  if (last !== undefined) rows.push(last);
  if (rows.length === 0)
    throw new UsageError(`${file} holds no rows; write some with rampart evaluate --out ${file}`);
  const cut = torn.trim() !== "" && last === undefined;
  return {
    rows,
    notes: cut
      ? [`The last line of ${file} was cut off and is left out; finish it with --resume.`]
      : [],
  };
}
