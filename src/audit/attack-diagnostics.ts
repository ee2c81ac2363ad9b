// Diagnostics of the attacks: do they behave like working attacks?
import type { Row } from "../evaluate/row.ts";
import { isBroken } from "../evaluate/survivors.ts";
import { counted, listed, normName, radius } from "../report/format.ts";
import { cleanOf } from "./answer-diagnostics.ts";
import type { Diagnostic, Facts } from "./diagnostic.ts";
import { isFromOtherBall, isSearch } from "./smallest/search-attack.ts";

/** A count below this may be a coincidence, for any share. */
const MIN_IMAGES = 2;

/** Share of images that may stay correct at a radius where no image should. */
const MAX_STILL_CORRECT = 0.05;

/** Fires if images stay right at a radius at which every image can be made grey. */
export function hugeEpsilon({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  const { norm, epsilon, cleanCorrect, correct } = probe.huge;
  if (correct <= MAX_STILL_CORRECT * cleanCorrect) return null;
  return {
    code: "huge-epsilon",
    severity: "warning",
    text: `at ${normName(norm)} ${radius(epsilon)}, where every image can be made grey, ${correct} of ${cleanCorrect} images are still right under APGD`,
    advice:
      "the attacks are failing, so the accuracies above are upper bounds; look for zero gradients, or use --budget full",
  };
}

/** Square must break at least this share of the images beyond those that gradient attacks broke. */
const MIN_BLACK_BOX = 0.02;

/** The search must break at least this share of the images beyond all attacks for a warning. */
const MIN_SEARCHED = 0.02;

/** Whether an attack without gradients led to the row. For an ensemble, the objective names the member. */
export const isBlackBox = ({ attack, objective }: Pick<Row, "attack" | "objective">): boolean =>
  attack.startsWith("square-") || objective?.startsWith("square-") === true;

/** Whether the attack of the row, or one of its members, uses only scores. */
export const hasBlackBox = ({ attack }: Pick<Row, "attack">): boolean =>
  /^(square|adaptive|autoattack)-(linf|l2|l1)$/.test(attack);

/** Fires if Square, which sees no gradients, breaks images that every gradient attack of that norm left right. */
export function blackBoxWins({ rows }: Pick<Facts, "rows">): Diagnostic | null {
  const whiteBox = new Set<string>();
  const blackBox = new Map<string, Row>();
  for (const row of rows.filter(
    ({ correctChoose, clean }) => correctChoose < 0.5 && clean >= 0.5,
  )) {
    const name = `${row.index} ${row.norm} ${row.epsilon}`;
    if (isBlackBox(row)) blackBox.set(name, row);
    else whiteBox.add(name);
  }
  const won = new Set(
    [...blackBox].filter(([name]) => !whiteBox.has(name)).map(([, { index }]) => index),
  ).size;
  const attacked = cleanOf(rows).length;
  if (won < Math.max(MIN_IMAGES, MIN_BLACK_BOX * attacked)) return null;
  return {
    code: "black-box-wins",
    severity: "warning",
    text: `Square, which sees no gradients, broke ${won} images that survived every attack with gradients`,
    advice:
      "gradients are masked, or the budget is too small: use --budget standard or full, and see zero-gradients",
  };
}

/** Fires if attacks in other balls, or the search for smallest radii, break images inside a ball whose attacks left them right. */
export function searchWins({ rows }: Pick<Facts, "rows">): Diagnostic | null {
  const broken = rows.filter(isBroken);
  const [searched, others] = [broken.filter(isSearch), broken.filter(isFromOtherBall)];
  const won = new Set([...searched, ...others].map(({ index }) => index)).size;
  if (won === 0) return null;
  const winners = [
    others.length > 0 ? ["attacks in other balls"] : [],
    searched.length > 0 ? ["the search for smallest radii"] : [],
  ].flat();
  const isMany = won >= Math.max(MIN_IMAGES, MIN_SEARCHED * cleanOf(rows).length);
  return {
    code: "search-wins",
    severity: isMany ? "warning" : "note",
    text: `${listed(winners)} broke ${counted(won, "image")} inside a ball whose own attacks all failed; ${won === 1 ? "it counts" : "they count"} as broken`,
    advice: "the attacks have not converged: use --budget standard or full",
  };
}

/** Share of the images that an attack on a copy must break beyond the attack on the network itself. */
const MIN_TRANSFERRED = 0.1;
/** Share of a randomised classifier's worst rows that must come from the network without its noise. */
const MIN_NOISE_FREE = 0.2;

/** Fires if an attack on a copy with straight-through gradients beats the attack on the network itself. */
function copyWins({ transfer }: Facts["probe"]): Diagnostic | null {
  if (transfer === null) return null;
  const { norm, epsilon, cleanCorrect, correct, whiteBox } = transfer;
  if (whiteBox - correct < Math.max(MIN_IMAGES, MIN_TRANSFERRED * cleanCorrect)) return null;
  return {
    code: "transfer-wins",
    severity: "warning",
    text: `APGD on a copy that lets gradients through rounding leaves ${correct} of ${cleanCorrect} images right at ${normName(norm)} ${radius(epsilon)}, APGD on the network itself ${whiteBox}`,
    advice:
      "the network's own gradients mislead, so its accuracy is an upper bound: use --straight-through",
  };
}

/** Fires if many worst examples of a randomised classifier were found on the network without its noise. */
function noiseFreeWins(rows: readonly Row[]): Diagnostic | null {
  const randomised = rows.filter(({ draws, objective }) => draws > 1 && objective !== null);
  const objectives = new Set(randomised.map(({ objective }) => objective));
  const transferred = randomised.filter(({ objective }) => objective === "transfer").length;
  const threshold = Math.max(MIN_IMAGES, MIN_NOISE_FREE * randomised.length);
  if (objectives.size < 2 || transferred < threshold) return null;
  return {
    code: "transfer-wins",
    severity: "warning",
    text: `${transferred} of ${randomised.length} worst examples come from the network without its noise, which attacks on the deployed classifier should find too`,
    advice: "average over more draws (rampart evaluate --eot 64), or attack it without its noise",
  };
}

/** Fires if examples made for another network break the classifier more often than examples made for itself. */
export const transferWins = ({ rows, probe }: Pick<Facts, "rows" | "probe">): Diagnostic | null =>
  copyWins(probe) ?? noiseFreeWins(rows);

/** Rounding must undo this share of the adversarial examples. */
const MIN_LOST = 0.1;

/** Fires if adversarial examples are right again once they are stored in 8 bits per channel. */
export function lostByRounding({ rows }: Pick<Facts, "rows">): Diagnostic | null {
  const broken = rows.filter(({ clean, correct }) => clean >= 0.5 && correct < 0.5);
  const lost = broken.filter(({ correct8bit }) => correct8bit >= 0.5).length;
  if (lost === 0 || lost < MIN_LOST * broken.length) return null;
  return {
    code: "lost-by-rounding",
    severity: "note",
    text: `${lost} of ${broken.length} adversarial examples are classified correctly again once rounded to 8 bits`,
    advice:
      "if only image files reach the classifier, the accuracy after rounding is closer to what an attacker achieves, unless the attack takes rounding into account",
  };
}

/** Random noise must break this share of the number of images that APGD breaks. */
const MIN_BY_NOISE = 0.8;

/** Fires if random noise breaks nearly as many images as APGD does. */
export function noiseBreaks({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  const found = probe.norms.find(({ cleanCorrect, underNoise, manySteps }) => {
    const byNoise = cleanCorrect - underNoise;
    return byNoise >= MIN_IMAGES && byNoise >= MIN_BY_NOISE * (cleanCorrect - manySteps);
  });
  if (found === undefined) return null;
  const { norm, epsilon, cleanCorrect, underNoise, manySteps } = found;
  return {
    code: "noise-breaks",
    severity: "warning",
    text: `random noise of ${normName(norm)} ${radius(epsilon)} breaks ${cleanCorrect - underNoise} of ${cleanCorrect} images, and APGD ${cleanCorrect - manySteps}`,
    advice:
      "either the classifier is fragile to any noise of this size, or the attack finds no direction; audit again at a smaller radius: if noise still breaks as many images as APGD, the attack is failing",
  };
}

/** Fires if the classifier is random and attacks do not average over its randomness. */
export function randomisedWithoutEot({
  rows,
  probe,
}: Pick<Facts, "rows" | "probe">): Diagnostic | null {
  const single = rows.some(({ draws, eot, attack }) => draws > 1 && eot === 1 && attack !== "none");
  if (!probe.changes && !single) return null;
  return {
    code: "randomised-without-eot",
    severity: "warning",
    text: probe.changes
      ? "two runs on the same images gave different logits: the file draws random numbers itself, or its runtime is not deterministic"
      : "attacks on a randomised classifier averaged over a single draw per step",
    advice:
      "if the file adds noise itself, export it without that noise and declare the noise with --noise: attacks then average over its draws (EOT)",
  };
}

/** Fires if APGD with more steps leaves more images correct: a sign that it does not converge. */
export function moreStepsHurt({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  const found = probe.norms.find(({ fewSteps, manySteps }) => manySteps >= fewSteps + MIN_IMAGES);
  if (found === undefined) return null;
  const { norm, cleanCorrect, fewSteps, manySteps } = found;
  return {
    code: "more-steps-help",
    severity: "warning",
    text: `APGD with more steps leaves ${manySteps} of ${cleanCorrect} images right in ${normName(norm)}, with fewer steps ${fewSteps}`,
    advice: "the attack does not converge: gradients are noisy or masked; use --budget full",
  };
}
