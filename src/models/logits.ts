import * as g from "../engine/graph/expressions.ts";
import { is, type Value } from "../engine/graph/value.ts";
import { elementCount } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { FileAnswers } from "./architecture.ts";
import { type Answer, answeredClass, thresholdRows, withAnswer } from "./head/answer.ts";
import { constantNumber } from "./head/constants.ts";
import { type OneHot, oneHotOf } from "./head/one-hot.ts";
import type { Head } from "./head/sentences.ts";
import { twoClasses } from "./head/two-classes.ts";
import { undoneRows } from "./head/undone-rows.ts";

/**
 * Logits [batch, classes] with usable gradients, and the operators that were removed from the file's output to get them.
 */
export interface Logits extends Head {
  readonly logits: Value;
  /**
   * The file's own decision, and the scores before its output, which may decide differently; null if nothing was
   * removed.
   */
  readonly fileDecision: { readonly answer: Answer; readonly undone: Value } | null;
}

const unchanged = {
  removed: [],
  isLogarithm: false,
  isSaturated: false,
  twoClasses: null,
  fileDecision: null,
};

/** Operators that only rearrange or convert a chosen class. */
const arranging: ReadonlySet<string> = new Set(["Reshape", "Cast", "Expand"]);

/** An output that is the class with the largest of some scores [.., classes, ..]. */
interface Choice {
  readonly scores: Value;
  /** The operator that chooses: `ArgMax`. */
  readonly name: string;
  /** Whether the last of several equally large classes is chosen. */
  readonly isLast: boolean;
}

/** Recognises (classes − 1) − ArgMax(reversed scores), which chooses the last of the largest. */
function lastChosen(output: Value): Choice | null {
  const [count, argMax] = output.inputs;
  if (!is(argMax, "ArgMax") || constantNumber(count) === null) return null;
  const [reversed] = argMax.inputs;
  const isReversed = is(reversed, "Slice") && reversed.attrs.steps[argMax.attrs.axis] === -1;
  return isReversed ? { scores: reversed.inputs[0], name: "ArgMax", isLast: true } : null;
}

/** The choice that an output makes; null if it makes none. */
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

/** The choice behind a one-hot row, if the row has an element for each of the scores. */
function chosenOneHot({ index, classes }: OneHot): Choice | null {
  const choice = chosenOf(index);
  if (choice === null) return null;
  const { scores, name, isLast } = choice;
  const isEach = elementCount(scores.shape) === elementCount(index.shape) * classes;
  return isEach ? { scores, name: `OneHot of ${name}`, isLast } : null;
}

/** The scores behind a choice along the axis of the classes; any other output as it is. */
function withoutChoice(output: Value, batch: number) {
  const choice = chosenOf(output);
  if (choice === null || classAxis(choice.scores, batch) === null)
    return { scores: output, removed: [], isLast: false };
  return { scores: choice.scores, removed: [choice.name], isLast: choice.isLast };
}

/** The axis of the classes: the only axis after the batch that is longer than 1; null if there is none. */
function classAxis({ shape }: Value, batch: number): number | null {
  const classes = elementCount(shape) / batch;
  const axis = shape.findIndex(
    (length, i) => length === classes && elementCount(shape.slice(0, i)) === batch,
  );
  return classes > 1 && axis >= 0 ? axis : null;
}

/** An output as rows [batch, outputs], without any interpretation. Throws `UsageError` if it has no row per image. */
export function outputsOf(output: Value, batch: number, name: string): Logits {
  const count = elementCount(output.shape) / batch;
  if (!output.dtype.startsWith("float"))
    throw new UsageError(
      `output ${name} holds ${output.dtype}, not scores; choose the scores of the classes with --output`,
      { code: "misfit" },
    );
  // Axes of length 1 may stand before the batch or anywhere else.
  const lengths = output.shape.filter((n) => n !== 1);
  if (!Number.isInteger(count) || (batch > 1 && lengths[0] !== batch))
    throw new UsageError(
      `output ${name} has shape [${output.shape.join(", ")}] for a batch of ${batch}; one row per image is needed, so choose another --output`,
      { code: "misfit" },
    );
  return { logits: g.cast(g.reshape(output, [batch, count]), "float32"), ...unchanged };
}

/**
 * The logits [batch, classes] behind an output; a single score becomes two classes. The largest logit is always the
 * class that the file decides for. Throws `UsageError` for outputs of segmentation and detection.
 */
export function logitsOf(output: Value, batch: number, name: string): Logits {
  const { scores, removed, isLast } = withoutChoice(output, batch);
  if (scores.shape.filter((n) => n > 1).length > (batch > 1 ? 2 : 1))
    throw new UsageError(
      `output ${name} has shape [${scores.shape.join(", ")}], as segmentation or detection have; a classifier gives one row of scores per image, so choose another --output`,
      { code: "misfit" },
    );
  const axis = classAxis(scores, batch);
  if (axis === null) return logitsOfScore(scores, batch, name);
  const plain = outputsOf(scores, batch, name);
  const undone = undoneRows({ value: scores, axis });
  const isUnchanged = undone.removed.length === 0 && !undone.isLogarithm;
  if (isUnchanged && !isLast) return { ...plain, removed };
  const before = isUnchanged ? plain.logits : outputsOf(undone.value, batch, name).logits;
  const { isLogarithm, isSaturated } = undone;
  const answer = { rows: plain.logits, isLast };
  return {
    logits: withAnswer(before, answer),
    removed: removed.concat(undone.removed),
    isLogarithm,
    isSaturated,
    twoClasses: null,
    fileDecision: { answer, undone: before },
  };
}

/**
 * Logits of the two classes behind one score. An output of integers is a score only if a comparison or a rounding made
 * it.
 */
function logitsOfScore(score: Value, batch: number, name: string): Logits {
  const { scores, removed, isLogarithm, rule, decision, decidedBy } = twoClasses(score);
  if (removed.length === 0 && !score.dtype.startsWith("float")) outputsOf(score, batch, name);
  const columns = scores.map((one) => outputsOf(one, batch, name).logits);
  const before = g.concat(columns, 1);
  const { value, t, isAbove } = decidedBy;
  const column = outputsOf(g.cast(value, "float32"), batch, name).logits;
  const answer = { rows: thresholdRows(column, t, isAbove), isLast: false };
  const isUnchanged = removed.length === 0 && !isLogarithm;
  return {
    logits: isUnchanged ? before : withAnswer(before, answer),
    removed,
    isLogarithm,
    isSaturated: false,
    twoClasses: { rule, decision },
    fileDecision: isUnchanged ? null : { answer, undone: before },
  };
}

/** The file's own decision as expressions; null if nothing was removed from its output. */
export function answersOf({ fileDecision }: Pick<Logits, "fileDecision">): FileAnswers | null {
  if (fileDecision === null) return null;
  return {
    rows: fileDecision.answer.rows,
    answer: g.cast(answeredClass(fileDecision.answer), "float32"),
    undone: fileDecision.undone,
  };
}
