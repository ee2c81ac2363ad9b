import { passesOf, sumOfPasses } from "../../attacks/passes.ts";
import type { Defense } from "../../defenses/table.ts";
import { type EvaluateOptions, resolved } from "../../evaluate/options.ts";
import { runsOf } from "../../evaluate/runs.ts";
import type { FlopsPerImage } from "../../models/flops.ts";

/** What the cost of a training depends on. */
type Trained = Pick<Defense, "attacks" | "gradients" | "options">;

/** Gradients of the attacks inside training, for one example. */
function innerGradients({ attacks, gradients, options = {} }: Trained): number {
  if (gradients !== undefined) return gradients;
  if (attacks.length === 0) return Number(options.steps ?? 0);
  return sumOfPasses(attacks.map(passesOf)).gradients;
}

/**
 * Floating-point operations of a training, as an estimate: each step of each example, of its noisy copies or its replays, and
 * the attacks inside it.
 */
export function trainingFlops(
  defense: Trained,
  { epochs, examples }: { readonly epochs: number; readonly examples: number },
  { gradient, step }: FlopsPerImage,
): number {
  const { copies, replays } = defense.options ?? {};
  const times = Number(copies ?? replays ?? 1);
  return epochs * examples * times * (step + innerGradients(defense) * gradient);
}

/** Runs of an attack on a randomised model under the sound protocol: three objectives, and fixed noise. */
const CANDIDATES = 4;

/** An upper bound on the floating-point operations of an evaluation: attacks stop early on images that break. */
export function evaluationFlops(
  given: EvaluateOptions,
  { images, randomised }: { readonly images: number; readonly randomised: boolean },
  { forward, gradient }: FlopsPerImage,
): number {
  const options = resolved(given);
  const isSound = options.protocol === "sound";
  const scored = randomised && isSound ? options.draws : 1;
  const tried = randomised && isSound && options.objective === "worst" ? CANDIDATES : 1;
  const perImage = runsOf(options, { randomised }).reduce((sum, { passes, eot, radii }) => {
    const attack = passes.gradients * gradient + passes.forwards * forward;
    return sum + tried * (attack * eot + radii.length * scored * forward);
  }, 0);
  return images * perImage;
}

/**
 * The assumed cost of proofs about an image in one norm, in gradients. Cheap bounds cost less, and branching costs
 * more.
 */
const PROOF_GRADIENTS = 1000;

/** A rough estimate of the floating-point operations of proofs: most images are decided at once, some never. */
export const proofFlops = (norms: number, images: number, { gradient }: FlopsPerImage): number =>
  images * norms * PROOF_GRADIENTS * gradient;

/** Floating-point operations of a certification of some images. */
export const certificationFlops = (
  { n, n0 }: { readonly n: number; readonly n0: number },
  images: number,
  { forward }: FlopsPerImage,
): number => images * (n + n0) * forward;
