import {
  attackOptions,
  epsilonOption,
  minimalAttackOptions,
  normOfAttack,
  optionsOfAttack,
} from "../attacks/table.ts";
import type { AttackNorm } from "../attacks/victim.ts";

/** Options for drawing noise and averaging over it. */
const OF_NOISE = ["noise", "rule", "draws", "eot", "objective"];

/**
 * The options that an evaluation by these attacks does not read: options of other attacks, radii of other norms, and options
 * of noise if the classifier has none. An attack that is not in the table is assumed to read every radius.
 */
export function unusedOptions(attacks: readonly string[], isRandomised: boolean): string[] {
  const read = new Set(attacks.flatMap(optionsOfAttack));
  const norms = attacks.map(normOfAttack);
  const ofAttacks = [
    ...new Set([
      ...Object.keys(attackOptions().shape),
      ...Object.keys(minimalAttackOptions().shape),
    ]),
  ];
  const radii = Object.entries(epsilonOption);
  const unread = ofAttacks.filter(
    (name) => !read.has(name) && radii.every(([, option]) => option !== name),
  );
  const unreached = radii
    .filter(([norm]) => !norms.includes(norm as AttackNorm) && !norms.includes(undefined))
    .map(([, option]) => option);
  const ofNoise = isRandomised ? [] : OF_NOISE;
  return [...unread, ...unreached, ...ofNoise];
}
