// Reasons for verdicts that state what was measured.
import { measureText, type Reason, title } from "./claim.ts";
import type { Compared } from "./compared.ts";

/** The sizes of the gaps between the two adversarial trainings, each of which is better in its own norm. */
export const gapsOfSingleNorms: Reason = (found) => {
  const gap = (measure: string): string => {
    const compared = found.find((one) => one.measure === measure);
    return Math.abs(compared?.difference.mean ?? Number.NaN).toFixed(2);
  };
  return `Each AT is better in its own norm, by ${gap("pgd-linf")} in ℓ∞ and ${gap("pgd-l2")} in ℓ2; the paper prints 0.06 and 0.15.`;
};

const isBelow = ({ difference }: Compared): boolean => difference.high < 0;

const below = (one: Compared): string =>
  `${title(one.a)} is below ${title(one.b)} under ${measureText(one)}`;

/** Which mixed trainings are below the adversarial training of a norm, and which the paper's own table has there. */
export const matBelow: Reason = (found) => {
  const others = found.filter((one) => !isBelow(one));
  const isOpen =
    others.length > 0 && others.every(({ difference: { low, high } }) => low <= 0 && high >= 0);
  return `Here ${found.filter(isBelow).map(below).join(", and ")}${isOpen ? "; the other intervals contain 0" : ""}. In the paper's own table MAT Max is below AT in both norms (0.37 against 0.43, 0.50 against 0.52), and MAT Rand in ℓ∞ (0.40).`;
};

/** Why noise seems to defend against unbounded C&W, and what it does within the radius: against AT, then against no defence. */
export const noiseWithinRadius: Reason = (found) => {
  const sound = found.filter(({ protocol }) => protocol === "sound");
  const [adversarial, none] = ["at-linf", "standard"].map((defense) =>
    sound.find(({ b }) => b === defense),
  );
  const isWorse = adversarial !== undefined && isBelow(adversarial);
  const within = isWorse ? "noise is worse than adversarial training" : "the advantage is gone";
  const isBetter = none !== undefined && none.difference.low > 0;
  const though = isBetter ? ", though better than no defence" : "";
  return `Without a bound C&W stops on the boundary, where a noisy prediction is a coin toss; within the radius, ${within}${though}.`;
};
