// Diagnostics of the predictions on clean images: is this the intended classifier, and is its input prepared correctly?
import { likelyPermutation } from "../data/permutation.ts";
import type { Row } from "../evaluate/row.ts";
import { isGuessing, mean } from "../math/statistics.ts";
import { NO_CLASS } from "../math/tensor.ts";
import { type Decisions, describeDecisions } from "../models/decisions.ts";
import { percent } from "../report/format.ts";
import type { Diagnostic, Facts } from "./diagnostic.ts";

/** One row per example. Every row of an example holds the same clean prediction. */
export const cleanOf = (rows: readonly Row[]): Row[] => [
  ...new Map(rows.map((row) => [row.index, row])).values(),
];

/** Fires if the logits are the same for every probed image. */
export function constantPredictor({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  if (!probe.constant) return null;
  return {
    code: "constant-predictor",
    severity: "invalid",
    text: `the logits are the same for all ${probe.examples} probed images, so the file ignores its input`,
    advice:
      "choose the scores with --output (a softmax over a single unit always answers 1), and check --scale, --mean and --std",
  };
}

/** Among fewer images than this, a single predicted class may be a coincidence. */
const MIN_ONE_CLASS = 20;

/** Fires if images of several classes all get the same prediction. */
export function oneClass({ rows }: Pick<Facts, "rows">): Diagnostic | null {
  const clean = cleanOf(rows);
  const labels = new Set(clean.map(({ label }) => label));
  const predictions = new Set(clean.map(({ prediction }) => prediction));
  if (clean.length < MIN_ONE_CLASS || labels.size < 2 || predictions.size > 1) return null;
  const [only] = predictions;
  return {
    code: "one-class",
    severity: "warning",
    text: `${only === NO_CLASS ? "no class" : `class ${only}`} is predicted for all ${clean.length} images of ${labels.size} classes`,
    advice:
      "check the preprocessing and the choice of --output; accuracy under attack is the share of that class",
  };
}

/** Fires if the file's decisions differ from the decisions of the scores that attacks use. */
export function otherDecision(decisions: Decisions | null): Diagnostic | null {
  const text = decisions === null ? null : describeDecisions(decisions);
  if (decisions === null || text === null) return null;
  if (decisions.others.length > 0)
    return {
      code: "other-decision",
      severity: "invalid",
      text,
      advice:
        "please report this with the file; until then name the scores before its last operators with --output",
    };
  return {
    code: "other-decision",
    severity: "warning",
    text,
    advice:
      "export the file without the operators at its end, or name the scores before them with --output: these tell such classes apart",
  };
}

/** The number of class names that a diagnostic of the class order shows. */
const SHOWN_CLASSES = 4;

/** Whether a class has no name, or only its number. */
const isNumbered = (names: readonly string[], index: number): boolean =>
  names[index] === undefined || names[index] === String(index) || /^output \d+$/.test(names[index]);

/** Another order of the classes that fits the predictions far better; null if there is none. */
function fittingOrder({ rows, classes }: Pick<Facts, "rows" | "classes">) {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { label, prediction } of cleanOf(rows))
    if (prediction !== NO_CLASS) confusion[label][prediction]++;
  return likelyPermutation(confusion);
}

/** Fires if the predictions fit the labels far better in another order of the classes. */
export function permutedClasses(
  facts: Pick<Facts, "rows" | "classes" | "classNames">,
): Diagnostic | null {
  const { classNames = [] } = facts;
  const found = fittingOrder(facts);
  if (found === null) return null;
  const { name, outputs, explained, identity, examples } = found;
  const moved = outputs.flatMap((output, label) =>
    output === label || isNumbered(classNames, label) || isNumbered(classNames, output)
      ? []
      : [`${classNames[label]} is output ${output} (${classNames[output]})`],
  );
  const named =
    moved.length === 0
      ? ""
      : `: ${moved.slice(0, SHOWN_CLASSES).join(", ")}${moved.length > SHOWN_CLASSES ? ", …" : ""}`;
  return {
    code: "permuted-classes",
    severity: "invalid",
    text: `${identity} of ${examples} clean images are right, but ${explained} would be if ${name}${named}`,
    advice:
      'give the names of the file\'s outputs, in their order, with --classes FILE (one per line, or JSON such as ["cat", "dog"]): folders are then matched by name; or put the data set\'s classes in the file\'s order',
  };
}

/** Another preprocessing must classify at least this share, and this number, of the images correctly in addition. */
const MIN_BETTER_SHARE = 0.1;
const MIN_BETTER_IMAGES = 4;

/**
 * Fires if far more clean images are classified correctly with a common preprocessing than with the declared one, and more
 * than by guessing.
 */
export function otherPreprocessing({
  preprocessings,
  classes,
}: Pick<Facts, "preprocessings" | "classes">): Diagnostic | null {
  if (preprocessings === null) return null;
  const { name, examples, correct, correctAsDeclared } = preprocessings;
  if (correct - correctAsDeclared < Math.max(MIN_BETTER_IMAGES, MIN_BETTER_SHARE * examples))
    return null;
  if (isGuessing(correct / examples, 1 / classes, examples)) return null;
  return {
    code: "other-preprocessing",
    severity: "invalid",
    text: `${correctAsDeclared} of the first ${examples} images are right with the declared preprocessing, and ${correct} with ${name}`,
    advice:
      "look up how the network was trained, and declare that preprocessing; a high accuracy alone does not show that a preprocessing is the right one",
  };
}

/**
 * The probable error in the images or labels: another preprocessing, or another order of the classes, whichever classifies
 * more images correctly. Null if neither helps.
 */
export function misread(facts: Facts): Diagnostic | null {
  const preprocessing = otherPreprocessing(facts);
  const order = permutedClasses(facts);
  const found = fittingOrder(facts);
  if (preprocessing === null || facts.preprocessings === null || found === null)
    return preprocessing ?? order;
  const { correct, examples } = facts.preprocessings;
  return found.explained / found.examples >= correct / examples ? order : preprocessing;
}

/** Fires if guessing reaches the clean accuracy too. */
export function chance({ rows, classes }: Pick<Facts, "rows" | "classes">): Diagnostic | null {
  const clean = cleanOf(rows);
  const accuracy = mean(clean.map((row) => row.clean));
  const guessed = 1 / classes;
  if (!isGuessing(accuracy, guessed, clean.length)) return null;
  return {
    code: "chance",
    severity: "invalid",
    text: `clean accuracy is ${percent(accuracy)} on ${clean.length} images, and guessing one of ${classes} classes gives ${percent(guessed)}`,
    advice:
      "check the preprocessing (--mean, --std, --scale, --layout, --output, --resize) and the order of classes (--classes)",
  };
}
