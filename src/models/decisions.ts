// Whether the scores before a file's end decide as the file itself does.

import { input } from "../engine/graph/ops.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { argmaxRows, type NdArray, rows, sizeOf, type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";
import { padded } from "./batch-size.ts";
import { withForeignErrors } from "./foreign-errors.ts";

/** Share of the largest number of a row below which two numbers differ by rounding in float32. */
const ROUNDING = 1e-5;

/** Images on which the scores before a file's end and the file itself were compared. */
export interface Decisions {
  readonly images: number;
  /** Those whose classes the file's output ties, so that it answers another of these than the scores before it. */
  readonly ties: number;
  /** Those for which the file's output is NaN, and the scores before it are numbers. */
  readonly undecided: number;
  /** Indices of those for which the file answers another class without a tie. */
  readonly others: readonly number[];
}

type Outcome = "same" | "tie" | "undecided" | "other";

/** Whether the numbers of two classes of a row are equal but for rounding. */
function areEqual(row: Float32Array, a: number, b: number): boolean {
  if (row[a] === row[b]) return true;
  const size = row.reduce(
    (most, one) => Math.max(most, Number.isFinite(one) ? Math.abs(one) : 0),
    0,
  );
  return Math.abs(row[a] - row[b]) <= ROUNDING * size;
}

function outcomeOf(undone: Tensor, output: Tensor, answer: number): Outcome {
  const [own] = argmaxRows(undone);
  if (undone.data.some(Number.isNaN)) return "same";
  if (output.data.some(Number.isNaN)) return "undecided";
  if (own === answer) return "same";
  const isTie = areEqual(output.data, own, answer) || areEqual(undone.data, own, answer);
  return isTie ? "tie" : "other";
}

/**
 * Compares the class of the file's own output with that of the scores before it on images [n, ...], in batches of `size`;
 * null where nothing was taken off the output.
 */
export async function compareDecisions(
  runtime: Runtime,
  architecture: Architecture,
  images: Tensor,
  size: number,
): Promise<Decisions | null> {
  const { inputShape, fixedBatch = null, answers } = architecture;
  const count = images.shape[0];
  if (answers === undefined || count === 0 || sizeOf(images.shape) !== count * sizeOf(inputShape))
    return null;
  const batch = fixedBatch ?? Math.min(size, count);
  const found = answers(input("x", [batch, ...inputShape]));
  if (found === null) return null;
  const program = await withForeignErrors(runtime, architecture).compile({
    undone: found.undone,
    output: found.rows,
    answer: found.answer,
  });
  const x = tensor([count, ...inputShape], images.data);
  const outcomes: Outcome[] = [];
  try {
    for (let from = 0; from < count; from += batch) {
      const to = Math.min(from + batch, count);
      const result = await program.run({ x: padded(rows(x, from, to), batch) });
      outcomes.push(...outcomesOf(result, to - from));
    }
  } finally {
    await program.release();
  }
  return {
    images: count,
    ties: outcomes.filter((one) => one === "tie").length,
    undecided: outcomes.filter((one) => one === "undecided").length,
    others: outcomes.flatMap((one, i) => (one === "other" ? [i] : [])),
  };
}

function outcomesOf(found: Readonly<Record<string, NdArray>>, count: number): Outcome[] {
  return Array.from({ length: count }, (_, i) =>
    outcomeOf(
      rows(found.undone as Tensor, i, i + 1),
      rows(found.output as Tensor, i, i + 1),
      Number(found.answer.data[i]),
    ),
  );
}

const counted = (n: number): string => `${n} ${n === 1 ? "image" : "images"}`;

/** What a reader should know of it, in a sentence without its end; null where every image has the same class twice. */
export function describeDecisions({ images, ties, undecided, others }: Decisions): string | null {
  const parts: string[] = [];
  if (others.length > 0)
    parts.push(
      `the file answers another class than the scores before its output for ${others.length} of ${counted(images)} (index ${others.slice(0, 5).join(", ")})`,
    );
  if (ties > 0)
    parts.push(
      `float32 makes classes equal in the file's output for ${ties} of ${counted(images)}: the file answers the first of them, and so it is counted here`,
    );
  if (undecided > 0)
    parts.push(
      `the file's output is NaN for ${undecided} of ${counted(images)}, which the scores before it decide here`,
    );
  return parts.length === 0 ? null : parts.join("; ");
}
