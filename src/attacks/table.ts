// The table of attacks. An attack is one file and one row here.
import { z } from "zod";
import { unknownDefinition, unknownName } from "../math/nearest.ts";
import { badPlugin } from "../math/plugin.ts";
import { Registry } from "../math/registry.ts";
import { adaptive } from "./adaptive.ts";
import { apgdCe, apgdDlr, apgdPm, apgdTargeted } from "./apgd.ts";
import type { AttackDefinition, AttackKind } from "./attack-definition.ts";
import { autoattack, autoattackRand } from "./autoattack.ts";
import { cw } from "./cw.ts";
import { ddn } from "./ddn.ts";
import { deepfool } from "./deepfool.ts";
import { fab } from "./fab.ts";
import { fgsm } from "./fgsm.ts";
import { fmn } from "./fmn.ts";
import { EpsilonL0, EpsilonL1, EpsilonL2, EpsilonLinf, resolve } from "./options.ts";
import { pgd, pgdTargeted } from "./pgd.ts";
import { type NamesOf, ownOptions, type SharedShapeOf, sharedShape } from "./shared-options.ts";
import { sigmaZero } from "./sigma-zero.ts";
import { sparseRs } from "./sparse-rs.ts";
import { square } from "./square.ts";
import type { AttackNorm, BoundedAttack, MinimalAttack } from "./victim.ts";

/**
 * The built-in attacks. Help and tables use this order. If several attacks share an option, the first attack defines
 * it.
 */
const rows = [
  pgd,
  pgdTargeted,
  apgdCe,
  apgdDlr,
  apgdTargeted,
  apgdPm,
  square,
  sparseRs,
  fgsm,
  adaptive,
  autoattack,
  autoattackRand,
  cw,
  fab,
  ddn,
  fmn,
  deepfool,
  sigmaZero,
] as const;
type Row = (typeof rows)[number];

/** The table of attacks. Rejects an attack of a plug-in if its options have the names of another attack's options. */
class AttackRegistry extends Registry<AttackDefinition> {
  override add(definition: AttackDefinition): void {
    const taken = this.find(definition.name) === undefined ? clashOf(definition) : undefined;
    if (taken !== undefined)
      throw badPlugin(
        definition,
        `has the option ${taken}, which another attack has; rename it, or state it in sharedOptions to share it`,
      );
    super.add(definition);
  }
}

/** The attacks by name, without norms. An attack of a plug-in is added last. */
export const attacks: Registry<AttackDefinition> = new AttackRegistry("attack", rows);

/** An option of the definition whose name another attack already uses, unintentionally. */
function clashOf({ statedOptions, sharedOptions }: AttackDefinition): string | undefined {
  const taken = sharedShape(attacks.all);
  return Object.entries(sharedOptions).find(
    ([option, name]) =>
      name !== null &&
      name !== "stopWhenBroken" &&
      name in taken &&
      !statedOptions.includes(option),
  )?.[0];
}

/** The definitions of one kind, including plug-ins. */
const ofKind = (kind: AttackKind): readonly AttackDefinition[] =>
  attacks.all.filter((definition) => definition.kind === kind);

/** The norm of each name of a definition. */
const normsByName = ({
  norms,
  pattern,
}: AttackDefinition): readonly (readonly [string, AttackNorm])[] =>
  norms.map((norm) => [pattern.replace("*", norm), norm] as const);

/** The names of definitions in all of their norms. */
const namesOf = (definitions: readonly AttackDefinition[]): string[] =>
  definitions.flatMap((definition) => normsByName(definition).map(([name]) => name));

/** The definition and the norm of an attack of one kind. Throws `UsageError` with the code `unknown-name`. */
function found(kind: AttackKind, name: string) {
  const definitions = ofKind(kind);
  for (const definition of definitions)
    for (const [known, norm] of normsByName(definition))
      if (known === name) return { definition, norm };
  throw unknownDefinition(unknownName("attack", name, namesOf(definitions)));
}

/** The names of all bounded attacks at this moment, including plug-ins, such as `square-linf`. */
export const boundedAttackNames = (): string[] => namesOf(ofKind("bounded"));

/** The names of all minimum-norm attacks at this moment, including plug-ins, such as `cw-l2`. */
export const minimumNormAttackNames = (): string[] => namesOf(ofKind("minimum-norm"));

/** The name of a built-in attack, such as `pgd-linf`. */
export type BuiltInAttackName = NamesOf<Row>;

/** The names of the built-in bounded attacks. */
export const attackNames: readonly string[] = boundedAttackNames();

/** The names of the built-in minimum-norm attacks. */
export const minimalAttackNames: readonly string[] = minimumNormAttackNames();

/** Whether the attack stops at the first wrong answer, which proves nothing about a randomised model. */
export const isForDeterministic = (name: string): boolean =>
  namesOf(attacks.all.filter(({ deterministicOnly }) => deterministicOnly)).includes(name);

/** The draws per step in an attack's publication; undefined if the publication does not state them. */
export const attackDraws = (name: string): number | undefined =>
  attacks.all.find((definition) => namesOf([definition]).includes(name))?.draws ?? undefined;

/** The shared options that the attack of this name reads, without its radius; empty for an unknown name. */
export function optionsOfAttack(name: string): string[] {
  const definition = attacks.all.find((one) => namesOf([one]).includes(name));
  return Object.values(definition?.sharedOptions ?? {}).filter((option) => option !== null);
}

/** The norm of the attack of this name; undefined for an unknown name. */
export const normOfAttack = (name: string): AttackNorm | undefined =>
  attacks.all.flatMap(normsByName).find(([known]) => known === name)?.[1];

const radii = {
  epsilonLinf: EpsilonLinf.default(0.031).describe("radius in ℓ∞, for pixels in [0, 1]"),
  epsilonL2: EpsilonL2.default(0.83).describe("radius in ℓ2, for pixels in [0, 1]"),
  epsilonL1: EpsilonL1.default(12).describe("radius in ℓ1, for pixels in [0, 1]"),
  epsilonL0: EpsilonL0.default(10).describe("radius in ℓ0, in pixels with all their channels"),
} as const;

/** The option that holds the radius of each norm. */
export const epsilonOption = {
  linf: "epsilonLinf",
  l2: "epsilonL2",
  l1: "epsilonL1",
  l0: "epsilonL0",
} as const satisfies { readonly [N in AttackNorm]: keyof typeof radii };

type Bounded = Extract<Row, { readonly kind: "bounded" }>;
type Minimal = Extract<Row, { readonly kind: "minimum-norm" }>;
/** The options of built-in bounded attacks, without radii. */
type BoundedShape = SharedShapeOf<Bounded>;
type MinimalShape = SharedShapeOf<Minimal>;

/**
 * The schema of the options of all bounded attacks at this moment, including plug-ins. Its type covers only the built-in
 * attacks. Radii are for pixels in [0, 1]. Defaults follow Araujo et al. 2019, arXiv:1903.10219, and the attacks' authors.
 */
export function attackOptions() {
  const shape = sharedShape(ofKind("bounded")) as unknown as BoundedShape;
  return z.strictObject({ ...radii, ...shape });
}

/** The schema of the options of all minimum-norm attacks at this moment; see `attackOptions`. */
export function minimalAttackOptions() {
  return z.strictObject(sharedShape(ofKind("minimum-norm")) as unknown as MinimalShape);
}

/** The options of the built-in bounded attacks. */
export const AttackOptions = attackOptions();
/** Resolved options of all bounded attacks. */
export type AttackOptions = z.output<typeof AttackOptions>;

/** The options of the built-in minimum-norm attacks; an option of a single attack has the attack's name as a prefix. */
export const MinimalAttackOptions = minimalAttackOptions();
/** Resolved options of all minimum-norm attacks. */
export type MinimalAttackOptions = z.output<typeof MinimalAttackOptions>;

/**
 * The bounded attack of this name, with the settings of the paper or of the attack's authors as defaults. Throws `UsageError` for
 * an unknown name or a wrong option.
 *
 * @example
 * ```ts
 * import { attackNamed } from "rampart";
 *
 * const attack = attackNamed("apgd-ce-linf", { epsilonLinf: 8 / 255, apgdSteps: 20 });
 * console.log(attack.norm, attack.epsilon);
 * ```
 */
export function attackNamed(
  name: string,
  options: z.input<typeof AttackOptions> = {},
): BoundedAttack {
  const { definition, norm } = found("bounded", name);
  const shared = resolve(attackOptions(), options);
  const epsilon = shared[epsilonOption[norm]];
  return definition.from({ norm, epsilon, ...ownOptions(definition, shared) }) as BoundedAttack;
}

/**
 * The minimum-norm attack of this name, with its authors' settings as defaults. Throws `UsageError` as `attackNamed` does.
 *
 * @example
 * ```ts
 * import { minimalAttackNamed } from "rampart";
 *
 * console.log(minimalAttackNamed("ddn-l2").options);
 * ```
 */
export function minimalAttackNamed(
  name: string,
  options: z.input<typeof MinimalAttackOptions> = {},
): MinimalAttack {
  const { definition, norm } = found("minimum-norm", name);
  const shared = resolve(minimalAttackOptions(), options);
  return definition.from({ norm, ...ownOptions(definition, shared) }) as MinimalAttack;
}
