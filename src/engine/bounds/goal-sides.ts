// Bounds of hidden neurons at the points of a domain where its goal fails (Kotha et al. 2023, INVPROP, arXiv:2302.01404): a
// counterexample is one of these points. A goal says f > limit, so it fails where f ≤ limit. A walk bounds f + t·z from below
// by b, where z is the input of a neuron and t a factor. So t·z ≥ b − limit at these points.

import type { BranchProgram } from "./branch-program.ts";
import { type Domain, freshDomain, type Layer } from "./domain.ts";
import type { SideBound } from "./narrowed.ts";
import { down } from "./rounding.ts";

/** The factors at the start, as a share of those at which t·z has the range of f. */
const START = 0.3;
/** How far the logarithm of a factor moves in the first step, and by which factor this falls from step to step. */
const [FACTOR_RATE, FACTOR_DECAY] = [0.6, 0.7];

/** What is bounded: sign·z, for the input z of a neuron. */
export interface Side {
  readonly layer: Layer;
  readonly neuron: number;
  readonly sign: 1 | -1;
  /** The domain with its goal tilted by the neuron, with the slopes and the factor of the last step. */
  tilted: Domain;
  /** How far the logarithm of the factor moves next. */
  rate: number;
}

/** Both sides of neurons of one layer, before any step. */
export function sidesOf(layer: Layer, domain: Domain, neurons: readonly number[]): Side[] {
  const { lines, coefficients } = domain;
  const widthOf = (k: number) => lines.upper[k] - lines.lower[k];
  const range = neurons.reduce((sum, k) => sum + Math.abs(coefficients?.[k] ?? 0) * widthOf(k), 0);
  return neurons.flatMap((neuron) =>
    ([1, -1] as const).map((sign): Side => {
      const factor = Math.fround((sign * START * range) / widthOf(neuron));
      return { layer, neuron, sign, tilted: tiltedBy(domain, neuron, factor), rate: FACTOR_RATE };
    }),
  );
}

/** A domain with its goal tilted by a neuron, before any bound. */
export const tiltedBy = (
  domain: Domain,
  neuron: number,
  factor: number,
  { slopes }: Pick<Domain, "slopes"> = domain,
): Domain =>
  freshDomain({
    ...domain,
    slopes,
    tilt: { neuron, factor },
    bound: Number.NEGATIVE_INFINITY,
  });

/** The lower bound of sign·z that a lower bound of the tilted goal gives. */
export function sideBound(bound: number, { limit, tilt }: Domain): number {
  const size = Math.abs(tilt?.factor ?? 0);
  const usable = size > 0 && size < Number.POSITIVE_INFINITY && bound > Number.NEGATIVE_INFINITY;
  return usable ? down(down(bound - limit) / size) : Number.NEGATIVE_INFINITY;
}

/**
 * Steps on the slopes and factors of sides of one layer, on the lines of a domain. Returns the best bound of each. If `stop`
 * says so, the rest keeps what is known.
 */
export async function ascend(
  program: BranchProgram,
  domain: Domain,
  sides: readonly Side[],
  steps: number,
  stop: () => boolean,
): Promise<SideBound[]> {
  const { lines } = domain;
  const best = sides.map(() => Number.NEGATIVE_INFINITY);
  for (let at = 0; at < sides.length; at += program.maxRows) {
    const batch = sides.slice(at, at + program.maxRows);
    for (const side of batch) {
      side.tilted = freshDomain({ ...side.tilted, lines, bound: Number.NEGATIVE_INFINITY });
      side.rate = FACTOR_RATE;
    }
    for (let step = 0; step <= steps && !stop(); step++) {
      const isLast = step === steps;
      const tilted = batch.map((side) => side.tilted);
      const { bounds, gradients, move } = await program.boundTilted(tilted, { isLast });
      for (const [r, side] of batch.entries()) {
        const bound = sideBound(bounds[r], side.tilted);
        if (bound > best[at + r]) best[at + r] = bound;
        if (isLast) continue;
        move(r);
        moveFactor(side, side.sign * gradients[r] - bound);
      }
    }
  }
  return sides.map(({ neuron, sign }, i) => ({ neuron, sign, bound: best[i] }));
}

/** Moves the logarithm of the factor t upwards if (b − limit)/t grows with it. */
function moveFactor(side: Side, slope: number): void {
  const { tilt } = side.tilted;
  if (tilt === null || !Number.isFinite(slope)) return;
  const factor = Math.fround(tilt.factor * Math.exp(Math.sign(slope) * side.rate));
  side.rate *= FACTOR_DECAY;
  side.tilted = {
    ...side.tilted,
    tilt: { neuron: tilt.neuron, factor },
    bound: Number.NEGATIVE_INFINITY,
  };
}
