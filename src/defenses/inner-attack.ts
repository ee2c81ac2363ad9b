// The options of attacks inside training, which defences share.
import { z } from "zod";
import { AttackOptions, attackNamed } from "../attacks/table.ts";
import type { BoundedAttack } from "../attacks/victim.ts";

/**
 * The options of an attack inside training. Defaults are those of Araujo et al. 2019, arXiv:1903.10219: the attacks' own, but
 * 10 steps.
 */
export const InnerAttackOptions = AttackOptions.extend({
  steps: z.int().positive().default(10).describe("gradient steps of the attack inside training"),
});

/** Keeps the options of attacks and drops those of defences. */
const OptionsOfAttacks = z.object(AttackOptions.shape);

/** Every option of the attack is shared by all defences, under its own name. */
export const sharedByAttacks: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(InnerAttackOptions.shape).map((name) => [name, name]),
);

/** The attack inside training. It takes all steps even on broken examples, since a point just across the boundary is easy. */
export function innerAttack(name: string, options: object): BoundedAttack {
  const own = OptionsOfAttacks.parse(options);
  return attackNamed(name, Object.assign(own, { stopWhenBroken: false }));
}
