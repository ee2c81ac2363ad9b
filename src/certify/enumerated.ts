// Certificates of splitting noise (Levine & Feizi 2021, arXiv:2103.10834). It has finitely many draws on an 8-bit image. All
// are enumerated, so the result is not random. `docs/certificates.md` proves the radius.

import { elementCount, type Shape, tensor } from "../math/tensor.ts";
import { HALF_LEVELS } from "../noise/define-noise.ts";
import { fixedShifts, middleOf } from "../noise/splits.ts";
import { levelsOf, type NoisyImages } from "./noisy-images.ts";

/** The versions of 8-bit images [...shape] under splitting noise. Draw i is shift i modulo the number of shifts; keys are ignored. */
export function enumeratedImages(shape: Shape, shifts: number): NoisyImages {
  const fixed = fixedShifts(elementCount(shape), shifts);
  return {
    error: 0,
    draw(image, keys, first) {
      const levels = levelsOf(image);
      const out = new Float32Array(keys.length * levels.length);
      for (let row = 0; row < keys.length; row++) {
        const from = row * levels.length;
        for (let i = 0; i < levels.length; i++)
          out[from + i] = middleOf(levels[i], (fixed[i] + first + row) % shifts, shifts);
      }
      return tensor([keys.length, ...shape], out);
    },
  };
}

/** The result of the counts over all shifts. */
export interface ExactRadius {
  /** The class with the most votes, the first one on a tie; null if lost votes could change it. */
  readonly prediction: number | null;
  /** ℓ1, in pixels of [0, 1]. */
  readonly l1: number;
}

/**
 * The ℓ1 radius from `counts` [classes] of all `shifts`. A perturbation of k levels changes the network's input under at most k
 * shifts. Class A keeps its lead over B while n_A − n_B ≥ 2k, or > 2k where a tie goes to B, the class of lower index.
 * So the radius is min over B of n_A − n_B − [B < A], in half levels: λ(p_A − p_B) with p = n/(510 λ). Shifts without a vote
 * count for B. Integers only, up to the last division.
 */
export function exactRadius(counts: readonly number[], shifts: number): ExactRadius {
  const best = counts.indexOf(Math.max(...counts));
  const lost = shifts - counts.reduce((sum, count) => sum + count, 0);
  let margin = shifts;
  counts.forEach((count, other) => {
    if (other !== best)
      margin = Math.min(margin, counts[best] - count - lost - (other < best ? 1 : 0));
  });
  return margin < 0 ? { prediction: null, l1: 0 } : { prediction: best, l1: margin / HALF_LEVELS };
}
