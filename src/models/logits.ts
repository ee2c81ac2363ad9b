import * as g from "../engine/graph/expressions.ts";
import { is, type Value } from "../engine/graph/value.ts";
import { sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { FileAnswers } from "./architecture.ts";
import { type Answer, answered, answering, thresholdRows } from "./head/answer.ts";
import { constantNumber } from "./head/constants.ts";
import { type OneHot, oneHotOf } from "./head/one-hot.ts";
import type { Head } from "./head/sentences.ts";
import { twoClasses } from "./head/two-classes.ts";
import { undoneRows } from "./head/undone-rows.ts";

/** Scores [batch, classes] in which an attack finds gradients, and what was taken off the file's end for them. */
export interface Logits extends Head {
  readonly logits: Value;
  /** What the file decides by, and the scores before its end, which may say another class; null where nothing was taken off. */
  readonly own: { readonly answer: Answer; readonly undone: Value } | null;
}

const asIs = { removed: [], isLogarithm: false, isSaturated: false, twoClasses: null, own: null };

/** Operators that only arrange or convert, through which the choice of a class is seen. */
const arranging: ReadonlySet<string> = new Set(["Reshape", "Cast", "Expand"]);

/** Scores [.., classes, ..] whose largest an output names. */
interface Choice {
  readonly scores: Value;
  readonly name: string;
  /** Whether the last of several that are equally large is named. */
  readonly isLast: boolean;
}

/** The scores behind (classes − 1) − ArgMax of them in the opposite order, which is how the last of the largest is named. */
function lastChosen(output: Value): Choice | null {
  const [count, found] = output.inputs;
  if (!is(found, "ArgMax") || constantNumber(count) === null) return null;
  const [turned] = found.inputs;
  const isTurned = is(turned, "Slice") && turned.attrs.steps[found.attrs.axis] === -1;
  return isTurned ? { scores: turned.inputs[0], name: "ArgMax", isLast: true } : null;
}

/** The scores whose largest an output names, and how; null where it names none. */
function chosenOf(output: Value): Choice | null {
  if (is(output, "ArgMax") || is(output, "TopKIndices"))
    return {
      scores: output.inputs[0],
      name: output.op === "ArgMax" ? "ArgMax" : "TopK",
      isLast: false,
    };
  if (is(output, "Sub")) return lastChosen(output);
  if (is(output, "GatherElements")) {
    const [scores, indices] = output.inputs;
    const isTopK = is(indices, "TopKIndices") && indices.inputs[0] === scores;
    return isTopK ? { scores, name: "TopK", isLast: false } : null;
  }
  const hot = oneHotOf(output);
  if (hot !== null) return chosenOneHot(hot);
  return arranging.has(output.op) ? chosenOf(output.inputs[0]) : null;
}

/** The scores whose largest a one-hot row marks, if it has a place for each of them. */
function chosenOneHot({ index, classes }: OneHot): Choice | null {
  const found = chosenOf(index);
  if (found === null) return null;
  const { scores } = found;
  const isEach = sizeOf(scores.shape) === sizeOf(index.shape) * classes;
  return isEach ? { scores, name: `OneHot of ${found.name}`, isLast: found.isLast } : null;
}

/** Scores without the choice of the best of them; those of a choice along another axis than that of the classes stay. */
function unchosen(output: Value, batch: number) {
  const found = chosenOf(output);
  if (found === null || classAxis(found.scores, batch) === null)
    return { scores: output, removed: [], isLast: false };
  return { scores: found.scores, removed: [found.name], isLast: found.isLast };
}

/** The axis of the classes: behind the batch, and the only one there that is longer than 1; null where there is none. */
function classAxis({ shape }: Value, batch: number): number | null {
  const classes = sizeOf(shape) / batch;
  const axis = shape.findIndex(
    (length, i) => length === classes && sizeOf(shape.slice(0, i)) === batch,
  );
  return classes > 1 && axis >= 0 ? axis : null;
}

/** An output as rows of numbers [batch, outputs], whatever they mean. */
export function outputsOf(output: Value, batch: number, name: string): Logits {
  const count = sizeOf(output.shape) / batch;
  if (!output.dtype.startsWith("float"))
    throw new UsageError(
      `output ${name} holds ${output.dtype}, not scores; choose the one with the classes' scores by --output`,
    );
  // Axes of length 1 may stand before the batch or anywhere else.
  const lengths = output.shape.filter((n) => n !== 1);
  if (!Number.isInteger(count) || (batch > 1 && lengths[0] !== batch))
    throw new UsageError(
      `output ${name} has shape [${output.shape.join(", ")}] for a batch of ${batch}; one row per image is needed, so choose another --output`,
    );
  return { logits: g.cast(g.reshape(output, [batch, count]), "float32"), ...asIs };
}

/**
 * The logits [batch, classes] behind an output; a single score becomes two classes, decided where the file decides it. The
 * largest is always the class that the file answers.
 */
export function logitsOf(output: Value, batch: number, name: string): Logits {
  const { scores, removed, isLast } = unchosen(output, batch);
  if (scores.shape.filter((n) => n > 1).length > (batch > 1 ? 2 : 1))
    throw new UsageError(
      `output ${name} has shape [${scores.shape.join(", ")}], as segmentation or detection have; a classifier gives one row of scores per image, so choose another --output`,
    );
  const axis = classAxis(scores, batch);
  if (axis === null) return ofOneScore(scores, batch, name);
  const plain = outputsOf(scores, batch, name);
  const undone = undoneRows({ value: scores, axis });
  const isAsItIs = undone.removed.length === 0 && !undone.isLogarithm;
  if (isAsItIs && !isLast) return { ...plain, removed };
  const before = isAsItIs ? plain.logits : outputsOf(undone.value, batch, name).logits;
  const { isLogarithm, isSaturated } = undone;
  const answer = { rows: plain.logits, isLast };
  return {
    logits: answering(before, answer),
    removed: removed.concat(undone.removed),
    isLogarithm,
    isSaturated,
    twoClasses: null,
    own: { answer, undone: before },
  };
}

/** Logits of two classes; an output of whole numbers is a label if a comparison or a rounding made it. */
function ofOneScore(score: Value, batch: number, name: string): Logits {
  const { scores, removed, isLogarithm, rule, decision, decidedBy } = twoClasses(score);
  if (removed.length === 0 && !score.dtype.startsWith("float")) outputsOf(score, batch, name);
  const columns = scores.map((one) => outputsOf(one, batch, name).logits);
  const before = g.concat(columns, 1);
  const { value, t, isAbove } = decidedBy;
  const column = outputsOf(g.cast(value, "float32"), batch, name).logits;
  const answer = { rows: thresholdRows(column, t, isAbove), isLast: false };
  const isAsItIs = removed.length === 0 && !isLogarithm;
  return {
    logits: isAsItIs ? before : answering(before, answer),
    removed,
    isLogarithm,
    isSaturated: false,
    twoClasses: { rule, decision },
    own: isAsItIs ? null : { answer, undone: before },
  };
}

/** What the file itself answers; null where nothing was taken off its output. */
export function answersOf({ own }: Pick<Logits, "own">): FileAnswers | null {
  if (own === null) return null;
  return {
    rows: own.answer.rows,
    answer: g.cast(answered(own.answer), "float32"),
    undone: own.undone,
  };
}
