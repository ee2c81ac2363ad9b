// The attacks of an audit, in order of cost. Each attack runs on the survivors of the earlier ones.
import { attacks } from "../attacks/table.ts";
import type { AttackNorm } from "../attacks/victim.ts";
import type { EvaluateOptions } from "../evaluate/options.ts";
import type { Budget } from "./options.ts";

/** The facts that decide which attacks an audit runs. */
export interface AuditSize {
  readonly norms: readonly AttackNorm[];
  readonly budget: Budget;
  /** Number of the classifier's outputs. */
  readonly classes: number;
  readonly randomised: boolean;
}

/** The families in ℓ0: one with gradients and one without. */
const SPARSE = ["sigma-zero", "sparse-rs"] as const;

/** Families of attacks, cheapest first. A norm skips the families that do not have it. */
const families: Readonly<Record<Budget, readonly string[]>> = {
  quick: ["fgsm", "apgd-ce", "apgd-dlr", "square", ...SPARSE],
  standard: ["adaptive", ...SPARSE],
  autoattack: ["autoattack", ...SPARSE],
  full: [
    "fgsm",
    "deepfool",
    "apgd-ce",
    "apgd-dlr",
    "pgd",
    "ddn",
    "fmn",
    "apgd-t",
    "pgd-t",
    "fab-t",
    "cw",
    "apgd-pm",
    "square",
    ...SPARSE,
  ],
};

/** The families for randomised models, where they differ: the adaptive attack stops at the first wrong answer. */
const randomisedFamilies: Readonly<Partial<Record<Budget, readonly string[]>>> = {
  standard: ["apgd-ce", "apgd-t", "fab-t", "square", ...SPARSE],
  autoattack: ["autoattack-rand", ...SPARSE],
};

/** The targeted DLR loss divides by a difference of logits that needs four classes (Croce & Hein 2020, Eq. 7). */
const MIN_TARGETED_CLASSES = 4;

/**
 * The attacks of an audit in each norm, in the order in which they run. With fewer than four classes APGD-DLR replaces
 * APGD-T, and maximises the margin.
 */
export function auditAttacks({ norms, budget, classes, randomised }: AuditSize): string[] {
  const planned = (randomised ? randomisedFamilies[budget] : undefined) ?? families[budget];
  const names = planned.map((family) =>
    family === "apgd-t" && classes < MIN_TARGETED_CLASSES ? "apgd-dlr" : family,
  );
  return norms.flatMap((norm) =>
    [...new Set(names)]
      .map((family) => attacks.named(family))
      .filter((family) => family.norms.includes(norm))
      .map(({ pattern }) => pattern.replace("*", norm)),
  );
}

/**
 * The effort of each budget; `standard` and `autoattack` have AutoAttack's effort (Croce & Hein 2020, arXiv:2003.01690). In ℓ0
 * all but `quick` have the effort of the publications.
 */
const efforts: Readonly<Record<Budget, Partial<EvaluateOptions>>> = {
  quick: { apgdSteps: 20, squareQueries: 500, sigmaZeroSteps: 100, sparseRsQueries: 500 },
  standard: { apgdSteps: 100, squareQueries: 5000, fabSteps: 100 },
  autoattack: { apgdSteps: 100, squareQueries: 5000, fabSteps: 100 },
  full: { apgdSteps: 100, squareQueries: 5000, fabSteps: 100, steps: 50, restarts: 5 },
};

/** The default objective, `worst`, tries several at every step, which is too slow for a quick look. */
const QUICK_RANDOMISED: Partial<EvaluateOptions> = {
  objective: "mean-logits",
  eot: [8],
  draws: 20,
};

/** The options, of the evaluation that runs an audit's attacks, that depend on the budget. */
export function plannedOptions(size: AuditSize): Partial<EvaluateOptions> {
  const options: Partial<EvaluateOptions> = {
    attacks: auditAttacks(size),
    protocol: "sound",
    skipBroken: true,
    ...efforts[size.budget],
  };
  return size.randomised && size.budget === "quick" ? { ...options, ...QUICK_RANDOMISED } : options;
}
