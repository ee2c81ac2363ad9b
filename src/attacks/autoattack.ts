import { apgd } from "./apgd.ts";
import { ensemble } from "./ensemble.ts";
import { fab } from "./fab.ts";
import { square } from "./square.ts";
import type { BoundedAttack, Norm } from "./victim.ts";

/** A ball, epsilon being a radius in its norm for pixels in [0, 1], and the effort of each member. */
export interface AutoAttackOptions {
  readonly norm: Norm;
  readonly epsilon: number;
  readonly apgdSteps: number;
  readonly fabSteps: number;
  readonly squareQueries: number;
}

/**
 * AutoAttack's standard version for deterministic models (Croce & Hein 2020, arXiv:2003.01690, §6; ℓ1: 2021, arXiv:2103.01208,
 * §5): APGD-CE, APGD-T, FAB-T and Square on x [batch, ...pixels], each on the survivors of those before it. In ℓ1 APGD-CE has
 * 5 starts, and APGD-T has 5 targets instead of 9.
 */
export function autoattack(options: AutoAttackOptions): BoundedAttack {
  const { norm, epsilon, apgdSteps: steps, fabSteps, squareQueries: queries } = options;
  const restarts = norm === "l1" ? 5 : 1;
  return ensemble({
    name: `autoattack-${norm}`,
    norm,
    epsilon,
    stopWhenBroken: true,
    options: { ...options, steps, restarts },
    members: [
      apgd({ norm, epsilon, loss: "ce", steps, restarts }),
      apgd({ norm, epsilon, loss: "t", steps, targets: norm === "l1" ? 5 : 9 }),
      fab({ norm, steps: fabSteps, enough: epsilon }),
      square({ norm, epsilon, queries }),
    ],
  });
}

/** A ball and the effort of APGD. */
export type AutoAttackRandOptions = Pick<AutoAttackOptions, "norm" | "epsilon" | "apgdSteps">;

/**
 * AutoAttack's version for randomised models (Croce & Hein 2020, arXiv:2003.01690, §6): APGD-CE and APGD-DLR on
 * x [batch, ...pixels]. Wrap the victim in `withEot` to average over draws, 20 in the paper. Both members attack every example,
 * since one wrong draw does not break it.
 */
export function autoattackRand(options: AutoAttackRandOptions): BoundedAttack {
  const { norm, epsilon, apgdSteps: steps } = options;
  const apgdOptions = { norm, epsilon, steps, stopWhenBroken: false };
  return ensemble({
    name: `autoattack-${norm}-rand`,
    norm,
    epsilon,
    stopWhenBroken: false,
    options: { norm, epsilon, steps, restarts: 1 },
    members: [apgd({ ...apgdOptions, loss: "ce" }), apgd({ ...apgdOptions, loss: "dlr" })],
  });
}
