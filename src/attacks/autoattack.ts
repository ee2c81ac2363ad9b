import { apgd } from "./apgd.ts";
import { ensemble } from "./ensemble.ts";
import { fab } from "./fab.ts";
import { square } from "./square.ts";
import type { BoundedAttack, Norm } from "./victim.ts";

/** A ball and the effort of the members; with their own defaults it is what publications mean. */
export interface AutoAttackOptions {
  readonly norm: Norm;
  readonly epsilon: number;
  readonly apgdSteps: number;
  readonly fabSteps: number;
  readonly squareQueries: number;
}

/**
 * AutoAttack's standard version (Croce & Hein 2020, arXiv:2003.01690, §6; ℓ1: 2021, arXiv:2103.01208, §5) of deterministic
 * models: APGD-CE, APGD-T, FAB-T and Square, each on what the ones before it left standing. In ℓ1 APGD-CE has 5 starts
 * and APGD-T 5 targets instead of 9.
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

/**
 * AutoAttack's version for randomised models (arXiv:2003.01690, §6): APGD-CE and APGD-DLR. Averaging over draws, 20 in
 * the paper, is a wrapper around the victim. Both attack every example: one draw that errs does not break it.
 */
export function autoattackRand({
  norm,
  epsilon,
  apgdSteps: steps,
}: Pick<AutoAttackOptions, "norm" | "epsilon" | "apgdSteps">): BoundedAttack {
  const own = { norm, epsilon, steps, stopWhenBroken: false };
  return ensemble({
    name: `autoattack-${norm}-rand`,
    norm,
    epsilon,
    stopWhenBroken: false,
    options: { norm, epsilon, steps, restarts: 1 },
    members: [apgd({ ...own, loss: "ce" }), apgd({ ...own, loss: "dlr" })],
  });
}
