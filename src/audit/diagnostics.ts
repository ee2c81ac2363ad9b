// Signs that an audit's numbers cannot be taken at their word. Each is a function of rows or of the probe alone.
import { likelyPermutation } from "../data/permutation.ts";
import type { Row } from "../evaluate/row.ts";
import { mean } from "../math/statistics.ts";
import { NO_CLASS } from "../math/tensor.ts";
import type { BatchDependence } from "../models/batch-dependence.ts";
import type { Decisions } from "../models/decisions.ts";
import { normName, percent, radius } from "../report/format.ts";
import { cleanOf, constantPredictor, oneClass, otherDecision } from "./answer-diagnostics.ts";
import { nonFiniteGradients } from "./non-finite.ts";
import type { BetterPreprocessing } from "./preprocessings.ts";
import type { Probe } from "./probe.ts";
import { batchDependent, type NotRun, notRun, trainedOnTest } from "./run-diagnostics.ts";

/** `docs/auditing.md` has an entry for each. */
export type DiagnosticCode =
  | "constant-predictor"
  | "one-class"
  | "other-decision"
  | "permuted-classes"
  | "other-preprocessing"
  | "chance"
  | "non-finite-gradients"
  | "zero-gradients"
  | "huge-epsilon"
  | "black-box-wins"
  | "transfer-wins"
  | "saturated-softmax"
  | "lost-by-rounding"
  | "noise-breaks"
  | "straight-through"
  | "randomised-without-eot"
  | "more-steps-help"
  | "batch-dependent"
  | "trained-on"
  | "not-run";

/** One sign. `invalid`: the numbers mean nothing; `warning`: robustness is probably overestimated; `note`: good to know. */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: "invalid" | "warning" | "note";
  readonly text: string;
  readonly advice: string;
}

/** What is known when an audit's attacks are done. */
export interface Facts {
  readonly rows: readonly Row[];
  readonly probe: Probe;
  /** Another preprocessing under which more is right than as declared, if one was looked for; null if there is none. */
  readonly better: BetterPreprocessing | null;
  /** Outputs of the classifier. */
  readonly classes: number;
  /** What the importer said of the file's gradients. */
  readonly notes: readonly string[];
  /** How scores depend on the batch; absent or null where they do not. */
  readonly batch?: BatchDependence | null;
  /** Why test images may have been trained on; absent or null where they were not. */
  readonly trainedOn?: string | null;
  /** The file's own decisions beside those of the scores before its output; absent or null where nothing was taken off. */
  readonly decisions?: Decisions | null;
  /** Diagnostics that failed; what they would have found is missing. */
  readonly failures?: readonly NotRun[];
}

/** Predictions under which the labels make sense in another order. */
export function permutedClasses({
  rows,
  classes,
}: Pick<Facts, "rows" | "classes">): Diagnostic | null {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { label, prediction } of cleanOf(rows))
    if (prediction !== NO_CLASS) confusion[label][prediction]++;
  const found = likelyPermutation(confusion);
  if (found === null) return null;
  const { name, explained, identity, examples } = found;
  return {
    ...{ code: "permuted-classes", severity: "invalid" },
    text: `${identity} of ${examples} clean images are right, but ${explained} would be if ${name}`,
    advice:
      'give the names of the file\'s outputs, in their order, with --classes FILE (a line each, or JSON such as ["0", "1", "2"]): folders are then matched by name; or put the data set\'s classes in the file\'s order',
  };
}

/** Share of the images by which another preprocessing must win. */
const BETTER = 0.1;

/** A usual preprocessing under which far more clean images are right than under the declared one. */
export function otherPreprocessing({ better }: Pick<Facts, "better">): Diagnostic | null {
  if (better === null) return null;
  const { name, examples, right, declared } = better;
  if (right - declared < Math.max(4, BETTER * examples)) return null;
  return {
    ...{ code: "other-preprocessing", severity: "invalid" },
    text: `${declared} of the first ${examples} images are right as preprocessing is declared, and ${right} with ${name}`,
    advice: "look up how the network was trained, and declare that",
  };
}

/** Deviations of a random classifier within which an accuracy is no better than chance. */
const DEVIATIONS = 3;

/** A clean accuracy that guessing reaches as well. */
export function chance({ rows, classes }: Pick<Facts, "rows" | "classes">): Diagnostic | null {
  const clean = cleanOf(rows);
  const accuracy = mean(clean.map((row) => row.clean));
  const guessed = 1 / classes;
  const most = guessed + DEVIATIONS * Math.sqrt((guessed * (1 - guessed)) / clean.length);
  if (accuracy > Math.min(most, 2 / 3)) return null;
  return {
    ...{ code: "chance", severity: "invalid" },
    text: `clean accuracy is ${percent(accuracy)} on ${clean.length} images, and guessing one of ${classes} classes gives ${percent(guessed)}`,
    advice:
      "check the preprocessing (--mean, --std, --scale, --layout, --output, --resize) and the order of classes (--classes)",
  };
}

/** Shares of the probed examples from which a sign is shown. */
const MASKED = 0.05;
const SATURATED = 0.2;
const STILL_RIGHT = 0.05;

/** Examples whose margin has no gradient: every attack that follows it stands still. */
export function zeroGradients({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  const { zeroGradients: zero, examples } = probe;
  if (zero < MASKED * examples || zero === 0) return null;
  return {
    ...{ code: "zero-gradients", severity: "warning" },
    text: `the gradient is zero in every pixel for ${zero} of ${examples} images, so white-box attacks stand still there`,
    advice:
      "if the file rounds or quantises try --straight-through, and trust Square more than the others",
  };
}

/** A radius at which nothing can be right, and something is. */
export function hugeEpsilon({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  const { norm, epsilon, tried, right } = probe.huge;
  if (right <= STILL_RIGHT * tried) return null;
  return {
    ...{ code: "huge-epsilon", severity: "warning" },
    text: `at ${normName(norm)} ${radius(epsilon)}, where every image can be made grey, ${right} of ${tried} images are still right under APGD`,
    advice:
      "the attacks are failing, so the accuracies above are upper bounds; look for zero gradients, or use --budget full",
  };
}

/** Examples that Square broke and that no attack with gradients did, in one norm. */
export function blackBoxWins({ rows }: Pick<Facts, "rows">): Diagnostic | null {
  const whiteBox = new Set<string>();
  const blackBox = new Map<string, Row>();
  for (const row of rows.filter(
    ({ correctChoose, clean }) => correctChoose < 0.5 && clean >= 0.5,
  )) {
    const name = `${row.index} ${row.norm} ${row.epsilon}`;
    if (row.attack.startsWith("square-")) blackBox.set(name, row);
    else whiteBox.add(name);
  }
  const won = [...blackBox.keys()].filter((name) => !whiteBox.has(name)).length;
  const tried = cleanOf(rows).length;
  if (won < Math.max(2, 0.02 * tried)) return null;
  return {
    ...{ code: "black-box-wins", severity: "warning" },
    text: `Square, which sees no gradients, broke ${won} images that every attack with gradients had left standing`,
    advice:
      "gradients are masked, or the budget is too small: use --budget standard or full, and see zero-gradients",
  };
}

/** Share of what was tried that an attack on a copy must break beyond the attack on the network. */
const TRANSFERRED = 0.1;
/** Share of a randomised classifier's rows that come from the network without its noise. */
const FROM_NOISE_FREE = 0.2;

/** An attack that climbs something else than the classifier and does better on it. */
export function transferWins({ rows, probe }: Pick<Facts, "rows" | "probe">): Diagnostic | null {
  const { transfer } = probe;
  if (
    transfer !== null &&
    transfer.whiteBox - transfer.right >= Math.max(2, TRANSFERRED * transfer.tried)
  ) {
    const { norm, epsilon, tried, right, whiteBox } = transfer;
    return {
      ...{ code: "transfer-wins", severity: "warning" },
      text: `APGD on a copy that lets gradients through rounding leaves ${right} of ${tried} images right at ${normName(norm)} ${radius(epsilon)}, APGD on the network itself ${whiteBox}`,
      advice:
        "the network's own gradients mislead, so its accuracy is an upper bound: use --straight-through",
    };
  }
  const random = rows.filter(({ draws, objective }) => draws > 1 && objective !== null);
  const several = new Set(random.map(({ objective }) => objective)).size > 1;
  const transferred = random.filter(({ objective }) => objective === "transfer").length;
  if (!several || transferred < Math.max(2, FROM_NOISE_FREE * random.length)) return null;
  return {
    ...{ code: "transfer-wins", severity: "warning" },
    text: `${transferred} of ${random.length} worst examples come from the network without its noise, which attacks on the classifier as it is deployed should find too`,
    advice: "average over more draws (rampart evaluate --eot 64), or attack it without its noise",
  };
}

/** Cross-entropies of exactly 0, whose gradient is 0 too. */
export function saturatedSoftmax({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  const { saturated, examples } = probe;
  if (saturated < SATURATED * examples || saturated === 0) return null;
  return {
    ...{ code: "saturated-softmax", severity: "note" },
    text: `cross-entropy is exactly 0 in float32 for ${saturated} of ${examples} images, since one logit is far above the others`,
    advice:
      "attacks that climb cross-entropy (fgsm, pgd, apgd-ce) are weak here: rely on apgd-t, apgd-dlr and fab-t (--budget standard)",
  };
}

/** Adversarial examples that an image file of 8 bits no longer holds. */
export function lostByRounding({ rows }: Pick<Facts, "rows">): Diagnostic | null {
  const broken = rows.filter(({ clean, correct }) => clean >= 0.5 && correct < 0.5);
  const lost = broken.filter(({ correct8bit }) => correct8bit >= 0.5).length;
  if (lost === 0 || lost < 0.1 * broken.length) return null;
  return {
    ...{ code: "lost-by-rounding", severity: "note" },
    text: `${lost} of ${broken.length} adversarial examples are classified correctly again once rounded to 8 bits`,
    advice:
      "if only image files reach the classifier, the accuracy after rounding is nearer to what an attacker gets, until one attacks with the rounding in mind",
  };
}

/** Random noise that does what the attack does. */
export function noiseBreaks({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  const found = probe.norms.find(({ tried, underNoise, manySteps }) => {
    const byNoise = tried - underNoise;
    return byNoise >= 2 && byNoise >= 0.8 * (tried - manySteps);
  });
  if (found === undefined) return null;
  const { norm, epsilon, tried, underNoise, manySteps } = found;
  return {
    ...{ code: "noise-breaks", severity: "warning" },
    text: `random noise of ${normName(norm)} ${radius(epsilon)} breaks ${tried - underNoise} of ${tried} images, and APGD ${tried - manySteps}`,
    advice:
      "either the classifier is fragile to any noise of this size, or the attack finds no direction; lower the radius to tell",
  };
}

/** Gradients that are approximate, by the importer's own word. */
export function straightThrough({ notes }: Pick<Facts, "notes">): Diagnostic | null {
  const approximate = notes.filter((note) => note.includes("approximate"));
  if (approximate.length === 0) return null;
  return {
    ...{ code: "straight-through", severity: "note" },
    text: approximate.join("; "),
    advice:
      "attacks follow approximate gradients, so the accuracies are upper bounds more than usually; compare with Square",
  };
}

/** Randomness that the attacks do not average over. */
export function randomisedWithoutEot({
  rows,
  probe,
}: Pick<Facts, "rows" | "probe">): Diagnostic | null {
  const single = rows.some(({ draws, eot, attack }) => draws > 1 && eot === 1 && attack !== "none");
  if (!probe.changes && !single) return null;
  return {
    ...{ code: "randomised-without-eot", severity: "warning" },
    text: probe.changes
      ? "the same images gave other logits when they were asked about again: the file draws random numbers itself"
      : "attacks on a randomised classifier averaged over a single draw per step",
    advice:
      "declare the noise with --noise on a file without it, so that attacks average over its draws (EOT)",
  };
}

/** More steps of the same attack that leave more examples right. */
export function moreStepsHelp({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  const found = probe.norms.find(({ fewSteps, manySteps }) => manySteps >= fewSteps + 2);
  if (found === undefined) return null;
  return {
    ...{ code: "more-steps-help", severity: "warning" },
    text: `APGD of more steps leaves ${found.manySteps} of ${found.tried} images right in ${normName(found.norm)}, of fewer steps ${found.fewSteps}`,
    advice: "the attack does not converge: gradients are noisy or masked; use --budget full",
  };
}

/** Every sign that shows, the gravest first; another preprocessing or order of the classes explains an accuracy that is no better than chance. */
export function diagnose(facts: Facts): Diagnostic[] {
  const wrong = otherPreprocessing(facts) ?? permutedClasses(facts);
  const constant = constantPredictor(facts);
  const all = [
    batchDependent(facts.batch ?? null),
    otherDecision(facts.decisions ?? null),
    constant,
    constant === null ? (wrong ?? chance(facts)) : wrong,
    constant === null ? oneClass(facts) : null,
    trainedOnTest(facts.trainedOn ?? null),
    nonFiniteGradients(facts),
    ...[zeroGradients(facts), hugeEpsilon(facts), blackBoxWins(facts), transferWins(facts)],
    noiseBreaks(facts),
    ...[randomisedWithoutEot(facts), moreStepsHelp(facts), saturatedSoftmax(facts)],
    ...[lostByRounding(facts), straightThrough(facts)],
    notRun(facts.failures ?? []),
  ];
  return all.filter((one) => one !== null);
}
