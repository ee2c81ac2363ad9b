import type { Defense } from "../../defenses/table.ts";
import { type EvaluateOptions, resolved } from "../../evaluate/options.ts";
import { runsOf } from "../../evaluate/runs.ts";
import type { FlopsPerImage } from "../../models/flops.ts";

/** Floating-point operations of a training: each step of each example, and the attacks inside it. */
export function trainingFlops(
  { attacks, name }: Pick<Defense, "attacks" | "name">,
  { epochs, examples }: { readonly epochs: number; readonly examples: number },
  { gradient, step }: FlopsPerImage,
): number {
  const inner = attacks.map(({ options }) => Number(options.steps ?? 0));
  const total = inner.reduce((sum, one) => sum + one, 0);
  // MAT-Rand splits the batch among its attacks.
  const perExample = name === "mat-rand" && inner.length > 0 ? total / inner.length : total;
  return epochs * examples * (step + perExample * gradient);
}

/** Runs of an attack on a randomised model under the sound protocol: three objectives, and fixed noise. */
const CANDIDATES = 4;

/** Floating-point operations of an evaluation of some images, at most: attacks stop early on images that break. */
export function evaluationFlops(
  given: EvaluateOptions,
  { images, randomised }: { readonly images: number; readonly randomised: boolean },
  { forward, gradient }: FlopsPerImage,
): number {
  const options = resolved(given);
  const isSound = options.protocol === "sound";
  const scored = randomised && isSound ? options.draws : 1;
  const tried = randomised && isSound && options.objective === "worst" ? CANDIDATES : 1;
  const perImage = runsOf(options, { randomised }).reduce(
    (sum, { steps, restarts, eot, radii }) => {
      const climbed = steps * Math.max(1, restarts) * eot * tried * gradient;
      return sum + climbed + radii.length * scored * tried * forward;
    },
    0,
  );
  return images * perImage;
}

/**
 * The assumed cost of proofs about an image in one norm, in gradients. Cheap bounds cost less, and branching costs
 * more.
 */
const PROOF_GRADIENTS = 1000;

/** Floating-point operations of proofs about some images, a guess: most images are decided at once, some never. */
export const proofFlops = (norms: number, images: number, { gradient }: FlopsPerImage): number =>
  images * norms * PROOF_GRADIENTS * gradient;

/** Floating-point operations of a certification of some images. */
export const certificationFlops = (
  { n, n0 }: { readonly n: number; readonly n0: number },
  images: number,
  { forward }: FlopsPerImage,
): number => images * (n + n0) * forward;
