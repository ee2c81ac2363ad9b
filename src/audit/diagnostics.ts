import {
  chance,
  constantPredictor,
  misread,
  oneClass,
  otherDecision,
} from "./answer-diagnostics.ts";
import {
  blackBoxWins,
  hugeEpsilon,
  lostByRounding,
  moreStepsHurt,
  noiseBreaks,
  randomisedWithoutEot,
  searchWins,
  transferWins,
} from "./attack-diagnostics.ts";
import type { Diagnostic, Facts } from "./diagnostic.ts";
import { saturatedSoftmax, straightThrough, zeroGradients } from "./gradient-diagnostics.ts";
import { nonFiniteGradients } from "./non-finite.ts";
import { batchDependent, notRun, trainedOnTest } from "./run-diagnostics.ts";

/**
 * Every diagnostic that fires, the most severe first. Each cause is reported once: a wrong preprocessing or class order
 * explains chance accuracy, and a constant predictor explains a single predicted class.
 */
export function diagnose(facts: Facts): Diagnostic[] {
  const unread = misread(facts);
  const constant = constantPredictor(facts);
  const all = [
    batchDependent(facts.batch ?? null),
    otherDecision(facts.decisions ?? null),
    constant,
    unread,
    constant === null && unread === null ? chance(facts) : null,
    constant === null ? oneClass(facts) : null,
    trainedOnTest(facts.trainedOnWarning ?? null),
    nonFiniteGradients(facts),
    zeroGradients(facts),
    hugeEpsilon(facts),
    blackBoxWins(facts),
    searchWins(facts),
    transferWins(facts),
    noiseBreaks(facts),
    randomisedWithoutEot(facts),
    moreStepsHurt(facts),
    saturatedSoftmax(facts),
    lostByRounding(facts),
    straightThrough(facts),
    notRun(facts.failures ?? []),
  ];
  return all.filter((one) => one !== null);
}
