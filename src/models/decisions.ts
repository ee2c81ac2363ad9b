// Compares the decisions of a file with those of the scores that attacks see, before the file's last operators.

import { input } from "../engine/graph/ops.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import {
  argmaxRows,
  elementCount,
  type NdArray,
  rows,
  type Tensor,
  tensor,
} from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";
import { padded } from "./batch-size.ts";
import { withForeignErrors } from "./foreign-errors.ts";
import { imagesAtOnce } from "./run-memory.ts";

/** Two numbers of a row are equal but for rounding in float32 if they differ by at most this share of its largest. */
const ROUNDING = 1e-5;

/** The comparison of a file's decisions with those of the scores before its output. */
export interface Decisions {
  /** Images compared. */
  readonly images: number;
  /** Images whose classes tie in the file's output, so that the file and the scores choose different ones of them. */
  readonly ties: number;
  /** Images whose output is NaN while their scores are numbers. */
  readonly undecided: number;
  /** Indices of the images for which the file decides for another class without a tie. */
  readonly others: readonly number[];
}

type Outcome = "same" | "tie" | "undecided" | "other";

/** Whether two classes of a row have equal scores but for rounding. */
function areEqual(row: Float32Array, a: number, b: number): boolean {
  if (row[a] === row[b]) return true;
  const size = row.reduce(
    (largest, score) => Math.max(largest, Number.isFinite(score) ? Math.abs(score) : 0),
    0,
  );
  return Math.abs(row[a] - row[b]) <= ROUNDING * size;
}

function outcomeOf(undone: Tensor, output: Tensor, answer: number): Outcome {
  const [decision] = argmaxRows(undone);
  if (undone.data.some(Number.isNaN)) return "same";
  if (output.data.some(Number.isNaN)) return "undecided";
  if (decision === answer) return "same";
  const isTie = areEqual(output.data, decision, answer) || areEqual(undone.data, decision, answer);
  return isTie ? "tie" : "other";
}

/**
 * Compares the class of the file's own output with that of the scores before it, on images [n, ...pixels] in batches of
 * `size`. Null if nothing was removed from the output, or if the images do not fit the network.
 */
export async function compareDecisions(
  runtime: Runtime,
  architecture: Architecture,
  images: Tensor,
  size: number,
): Promise<Decisions | null> {
  const { inputShape, fixedBatch = null, answers } = architecture;
  const count = images.shape[0];
  if (
    answers === undefined ||
    count === 0 ||
    elementCount(images.shape) !== count * elementCount(inputShape)
  )
    return null;
  const batch = fixedBatch ?? Math.min(size, count, imagesAtOnce(architecture));
  const graphs = answers(input("x", [batch, ...inputShape]));
  if (graphs === null) return null;
  const program = await withForeignErrors(runtime, architecture).compile({
    undone: graphs.undone,
    output: graphs.rows,
    answer: graphs.answer,
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

function outcomesOf(results: Readonly<Record<string, NdArray>>, count: number): Outcome[] {
  return Array.from({ length: count }, (_, i) =>
    outcomeOf(
      rows(results.undone as Tensor, i, i + 1),
      rows(results.output as Tensor, i, i + 1),
      Number(results.answer.data[i]),
    ),
  );
}

const counted = (n: number): string => `${n} ${n === 1 ? "image" : "images"}`;

/** A note about the differences, as a clause without a full stop; null if file and scores agree on every image. */
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
