// What an audit runs: attacks in order of cost, each on what the ones before it left standing.
import type { Norm } from "../attacks/victim.ts";
import type { EvaluateOptions } from "../evaluate/options.ts";
import type { Budget } from "./options.ts";

/** What decides an audit's attacks. */
export interface AuditSize {
  readonly norms: readonly Norm[];
  readonly budget: Budget;
  /** Outputs of the classifier; the targeted difference of logits ratio needs four. */
  readonly classes: number;
  readonly randomised: boolean;
}

/** Attacks by name without their norm, cheapest first; a norm leaves out those that it does not have. */
const families: Readonly<Record<Budget, readonly string[]>> = {
  quick: ["fgsm", "apgd-ce", "apgd-dlr", "square"],
  standard: ["apgd-ce", "apgd-t", "fab-t", "square"],
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
    "square",
  ],
};

/** The norms of families that are not there in each of them. */
const normsOf: Readonly<Record<string, readonly Norm[]>> = {
  pgd: ["linf", "l2"],
  "pgd-t": ["linf", "l2"],
  deepfool: ["linf", "l2"],
  ddn: ["l2"],
  cw: ["l2"],
};

/** With fewer classes than this APGD-T has nothing to divide by, and APGD-DLR, which then climbs the margin, takes its place. */
const TARGETED = 4;

/** The attacks of an audit in each norm, in the order in which they run. */
export function auditAttacks({ norms, budget, classes }: AuditSize): string[] {
  const names = families[budget].map((family) =>
    family === "apgd-t" && classes < TARGETED ? "apgd-dlr" : family,
  );
  return norms.flatMap((norm) =>
    [...new Set(names)]
      .filter((family) => normsOf[family]?.includes(norm) ?? true)
      .map((family) => `${family}-${norm}`),
  );
}

/** The effort of each budget; `standard` is that of AutoAttack's members (Croce & Hein 2020, arXiv:2003.01690). */
const efforts: Readonly<Record<Budget, Partial<EvaluateOptions>>> = {
  quick: { apgdSteps: 20, squareQueries: 500 },
  standard: { apgdSteps: 100, squareQueries: 5000, fabSteps: 100 },
  full: { apgdSteps: 100, squareQueries: 5000, fabSteps: 100, steps: 50, restarts: 5 },
};

/** The options of the evaluation that an audit consists of. */
export const auditOptions = (size: AuditSize): Partial<EvaluateOptions> => ({
  attacks: auditAttacks(size),
  protocol: "sound",
  onlyStanding: true,
  ...efforts[size.budget],
  // Every objective at every step would be no quick look at a randomised model.
  ...(size.randomised &&
    size.budget === "quick" && { objective: "mean-logits", eot: [8], draws: 20 }),
});
