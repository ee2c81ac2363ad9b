// What defences over a set of norms share: the set, the radii, and the attack in each norm.
import { z } from "zod";
import type { BoundedAttack, Labels, Norm, Victim } from "../attacks/victim.ts";
import { foldAll, type Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import { InnerAttackOptions, innerAttack } from "./inner-attack.ts";

const NORMS = ["linf", "l2", "l1"] as const satisfies readonly Norm[];

/** Norms separated by commas, each at most once: `linf,l2`. */
const Norms = z
  .string()
  .refine((text) => {
    const names = text.split(",");
    const isNorm = (name: string) => (NORMS as readonly string[]).includes(name);
    return names.every(isNorm) && new Set(names).size === names.length;
  }, "must be a list of linf, l2 and l1, such as linf,l2")
  .default("linf,l2")
  .describe("norms of a defence over several norms, separated by commas");

/** The options of a defence over several norms. Radii are for pixels in [0, 1]. */
export const SeveralNorms = InnerAttackOptions.pick({
  epsilonLinf: true,
  epsilonL2: true,
  epsilonL1: true,
  steps: true,
}).extend({ norms: Norms });

/** Resolved options of a defence over several norms. */
export type SeveralNorms = z.output<typeof SeveralNorms>;

/** The norms of a list such as `linf,l2`. */
export const normsOf = ({ norms }: Pick<SeveralNorms, "norms">): readonly Norm[] =>
  norms.split(",") as Norm[];

/** The radius of each norm, for pixels in [0, 1]. */
export const radiusOf = (
  options: Omit<SeveralNorms, "norms">,
): { readonly [N in Norm]: number } => ({
  linf: options.epsilonLinf,
  l2: options.epsilonL2,
  l1: options.epsilonL1,
});

/** The longest step, in radii: that of a single step from a random start (Wong et al. 2020, arXiv:2001.03994, §4). */
const LONGEST_STEP = 1.25;

/** All steps together are two radii long, as 10 steps of ε/5 are, so that a few steps also reach the boundary. */
const stepLength = (epsilon: number, steps: number): number =>
  Math.min(LONGEST_STEP * epsilon, (2 * epsilon) / steps);

/** The attack inside training of each norm: PGD in ℓ∞ and ℓ2, and Auto-PGD in ℓ1, where PGD is weak (arXiv:2103.01208). */
export function attacksInNorms(options: SeveralNorms): readonly BoundedAttack[] {
  const { epsilonLinf, epsilonL2, epsilonL1, steps } = options;
  const settings = { epsilonLinf, epsilonL2, epsilonL1, steps, apgdSteps: steps };
  return normsOf(options).map((norm) => {
    if (norm === "l1") return innerAttack("apgd-ce-l1", settings);
    const length = stepLength(radiusOf(options)[norm], steps);
    return innerAttack(`pgd-${norm}`, { ...settings, stepSize: length });
  });
}

/** The candidates of all attacks for a batch x [batch, ...pixels], each of the shape of x. Attack i uses the keys folded by i. */
export async function candidatesOf(
  attacks: readonly BoundedAttack[],
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<readonly Tensor[]> {
  const candidates: Tensor[] = [];
  for (const [i, attack] of attacks.entries())
    candidates.push(await attack.perturb(victim, x, labels, foldAll(keys, i)));
  return candidates;
}
