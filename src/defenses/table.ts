// The table of defences. A defence is one file and one row here.
import type { z } from "zod";
import { resolve } from "../attacks/options.ts";
import { withoutDefault } from "../math/own-options.ts";
import { Registry } from "../math/registry.ts";
import { UsageError } from "../math/usage-error.ts";
import type { NoiseNamed } from "../noise/noise.ts";
import { noiseNamed } from "../noise/table.ts";
import { atL2, atLinf } from "./at.ts";
import { avg } from "./avg.ts";
import { consistency } from "./consistency.ts";
import { crownIbp } from "./crown-ibp.ts";
import type { Defense } from "./defense.ts";
import type { DefenseDefinition } from "./define-defense.ts";
import { eAt } from "./e-at.ts";
import { fastAtL2, fastAtLinf } from "./fast-at.ts";
import { freeAt } from "./free-at.ts";
import { ibp } from "./ibp.ts";
import { InnerAttackOptions } from "./inner-attack.ts";
import { macer } from "./macer.ts";
import { martLinf } from "./mart.ts";
import { matMax, matRand } from "./mat.ts";
import { max } from "./max.ts";
import { msd } from "./msd.ts";
import { mniConv, mniMix, niLaplace, niNormal, niUniform } from "./ni.ts";
import { niSplitting } from "./ni-splitting.ts";
import { ramp } from "./ramp.ts";
import { ratL2Normal, ratL2Uniform, ratLinfNormal, ratLinfUniform } from "./rat.ts";
import { smoothadv } from "./smoothadv.ts";
import { standard } from "./standard.ts";
import { tradesL2, tradesLinf } from "./trades.ts";

export type { Defense };

const rows = [
  standard,
  atLinf,
  atL2,
  matMax,
  matRand,
  niNormal,
  niUniform,
  niLaplace,
  niSplitting,
  mniMix,
  mniConv,
  ratLinfNormal,
  ratLinfUniform,
  ratL2Normal,
  ratL2Uniform,
  fastAtLinf,
  fastAtL2,
  freeAt,
  tradesLinf,
  tradesL2,
  martLinf,
  avg,
  max,
  msd,
  eAt,
  ramp,
  consistency,
  smoothadv,
  macer,
  ibp,
  crownIbp,
] as const;

/** The defences by name. Names are stable. A plug-in's defence is added last. */
export const defenses = new Registry<DefenseDefinition>(
  "defense",
  rows as unknown as readonly DefenseDefinition[],
);

/** The name of a built-in defence, such as `at-linf`. */
export type BuiltInDefenseName = (typeof rows)[number]["name"];

/** The names of all defences at this moment, those of plug-ins included. */
export const allDefenseNames = (): readonly string[] => defenses.names;

/** The names of the built-in defences. */
export const defenseNames: readonly string[] = defenses.names;

/** The options of single defences, beyond those of all attacks inside training, by their shared names. */
export function ownDefenseOptions(): Readonly<Record<string, z.ZodType>> {
  const shape: Record<string, z.ZodType> = {};
  for (const { options, sharedOptions } of defenses.all)
    for (const [option, name] of Object.entries(sharedOptions))
      if (!(name in InnerAttackOptions.shape))
        shape[name] ??= withoutDefault(options.shape[option] as z.ZodType);
  return shape;
}

/** The options of defences that `DefenseOptions` does not list, those of plug-ins included, by shared name. */
export function addedDefenseOptions(): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries(
    Object.entries(ownDefenseOptions()).filter(([name]) => !(name in DefenseOptions.shape)),
  );
}

/** The options of the built-in defences that are no options of attacks. */
const { noise, ratNoise } = ratLinfUniform.options.shape;
const { matChoice } = matMax.options.shape;

/** The options of the defences of Araujo et al. 2019, arXiv:1903.10219, with their types; the table adds those of other defences. */
export const DefenseOptions = InnerAttackOptions.extend({ noise, matChoice, ratNoise });

/** The schema of the options of all defences at this moment, those of plug-ins included. */
export const defenseOptions = (): typeof DefenseOptions =>
  DefenseOptions.extend(addedDefenseOptions()) as unknown as typeof DefenseOptions;

/** Throws `UsageError` for an option that has no effect on the defence, which would record an experiment that never ran. */
function refuseUnused(
  { name, sharedOptions }: DefenseDefinition,
  given: Readonly<Record<string, unknown>>,
): void {
  const taken = Object.values(sharedOptions);
  for (const option of Object.keys(ownDefenseOptions())) {
    const value = given[option];
    if (value === undefined || taken.includes(option)) continue;
    const owners = defenses.all.filter((one) => Object.values(one.sharedOptions).includes(option));
    const refusal = owners.map(({ refusals }) => refusals?.[option]).find(Boolean);
    const why =
      refusal?.(value) ??
      `has no option ${option}, got ${String(value)}; leave it out, or use ${owners.map((one) => one.name).join(" or ")}`;
    throw new UsageError(`${name} ${why}`, { code: "misfit" });
  }
}

/**
 * The defence of this name (Araujo et al. 2019, arXiv:1903.10219, unless a plug-in defines it), with its authors' settings as
 * defaults. `toNoise` resolves the name of its noise, whose lengths are on the scale of pixels in [0, 1]. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { defenseNamed } from "rampart";
 *
 * const defense = defenseNamed("rat-linf-uniform", { epsilonLinf: 8 / 255, steps: 7 });
 * console.log(defense.noise?.name); // uniform:0.2
 * ```
 */
export function defenseNamed(
  name: string,
  options: z.input<typeof DefenseOptions> = {},
  toNoise: NoiseNamed = noiseNamed,
): Defense {
  const definition = defenses.named(name);
  const resolved: Readonly<Record<string, unknown>> = resolve(defenseOptions(), options);
  refuseUnused(definition, resolved);
  const own: Record<string, unknown> = {};
  for (const [option, shared] of Object.entries(definition.sharedOptions))
    if (resolved[shared] !== undefined) own[option] = resolved[shared];
  return definition(own, toNoise);
}
