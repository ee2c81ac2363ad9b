import { z } from "zod";
import { resolve } from "../attacks/options.ts";
import { AttackOptions, attackNamed } from "../attacks/table.ts";
import type { BoundedAttack } from "../attacks/victim.ts";
import { unknownName } from "../math/nearest.ts";
import type { Defined } from "../math/plugin.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Noise, NoiseNamed } from "../noise/noise.ts";
import { noiseNamed } from "../noise/table.ts";
import { mixedMax, mixedRandom } from "./mixed.ts";
import type { LossObjective, Objective } from "./objective.ts";
import {
  adversarialTraining,
  noiseInjection,
  randomizedAdversarialTraining,
  standard,
} from "./objectives.ts";

/** How a classifier is trained, and the noise that it adds to its inputs afterwards. */
export interface Defense {
  /** The name on the command line, such as `rat-linf-uniform`. */
  readonly name: string;
  readonly objective: Objective | LossObjective;
  /** Noise at inference, the same as in training, for pixels in [0, 1]; null for a deterministic classifier. */
  readonly noise: Noise | null;
  /** The attacks inside training: several for mixed training, none for standard training and noise injection. */
  readonly attacks: readonly BoundedAttack[];
  /** The definition that made it, for messages; absent for a value written by hand. */
  readonly definition?: Defined;
}

/**
 * The options of all defences. Defaults are those of Araujo et al. 2019, arXiv:1903.10219: the attacks' own, but 10 steps.
 */
export const DefenseOptions = AttackOptions.extend({
  steps: z.int().positive().default(10).describe("gradient steps of the attack inside training"),
  noise: z.string().optional().describe("noise of a randomised defence, for example normal:0.25"),
  matChoice: z
    .enum(["example", "batch"])
    .optional()
    .describe(
      "mat-*: choose the norm per example (default, Eq. 12 and 13) or per batch (the authors' code)",
    ),
  ratNoise: z
    .enum(["fresh", "fixed"])
    .optional()
    .describe(
      "rat-*: the inner attack sees fresh noise at each step (default, Eq. 16) or one fixed noisy image (the authors' code)",
    ),
});
type Options = z.output<typeof DefenseOptions>;

/** The noise of a defence: `text`, or by default the first of `kinds`. Throws `UsageError` for a noise of another kind. */
function noiseOf(
  toNoise: NoiseNamed,
  defense: string,
  kinds: readonly string[],
  text: string = kinds[0],
): Noise {
  const noise = toNoise(text);
  if (!kinds.some((kind) => noise.name.startsWith(`${kind}:`)))
    throw new UsageError(
      `${defense} injects ${kinds.join(" or ")} noise, got ${text}; write ${noiseNamed(kinds[0]).name} with your numbers, or choose another defence`,
      { code: "misfit" },
    );
  return noise;
}

type Make = (name: string, options: Options, toNoise: NoiseNamed) => Omit<Defense, "name">;

/** Keeps the options of attacks and drops those of defences. */
const OptionsOfAttacks = z.object(AttackOptions.shape);

/** The attack inside training. It takes all steps even on broken examples, since a point just across the boundary is easy. */
const attackOf = (attackName: string, options: Options): BoundedAttack =>
  attackNamed(attackName, { ...OptionsOfAttacks.parse(options), stopWhenBroken: false });

const at =
  (attackName: string): Make =>
  (_, options) => {
    const attack = attackOf(attackName, options);
    return { objective: adversarialTraining(attack), noise: null, attacks: [attack] };
  };

const mat =
  (make: typeof mixedMax): Make =>
  (_, options) => {
    const attacks = ["pgd-linf", "pgd-l2"].map((name) => attackOf(name, options));
    return { objective: make(attacks, options.matChoice), noise: null, attacks };
  };

const ni =
  (...kinds: readonly string[]): Make =>
  (name, options, toNoise) => {
    const noise = noiseOf(toNoise, name, kinds, options.noise);
    return { objective: noiseInjection(noise), noise, attacks: [] };
  };

const rat =
  (attackName: string, kind: string): Make =>
  (name, options, toNoise) => {
    const noise = noiseOf(toNoise, name, [kind], options.noise);
    const attack = attackOf(attackName, options);
    const objective = randomizedAdversarialTraining(attack, noise, options.ratNoise);
    return { objective, noise, attacks: [attack] };
  };

/** Throws `UsageError` for an option that has no effect on the defence, which would record an experiment that never ran. */
function refuseUnused(name: string, { noise, matChoice, ratNoise }: Options): void {
  const injects = /^(ni|mni|rat)-/.test(name);
  if (noise !== undefined && !injects)
    throw new UsageError(
      `${name} injects no noise, got ${noise}; leave it out, or use ni-*, mni-* or rat-*`,
      { code: "misfit" },
    );
  if (matChoice !== undefined && !name.startsWith("mat-"))
    throw new UsageError(
      `${name} does not choose between norms, got --mat-choice ${matChoice}; leave it out, or use mat-max or mat-rand`,
      { code: "misfit" },
    );
  if (ratNoise !== undefined && !name.startsWith("rat-"))
    throw new UsageError(
      `${name} has no attack under noise, got --rat-noise ${ratNoise}; leave it out, or use rat-*`,
      { code: "misfit" },
    );
}

/** The defences of the paper by name. Names are stable. */
const defenses: Readonly<Record<string, Make>> = {
  standard: () => ({ objective: standard, noise: null, attacks: [] }),
  "at-linf": at("pgd-linf"),
  "at-l2": at("pgd-l2"),
  "mat-max": mat(mixedMax),
  "mat-rand": mat(mixedRandom),
  "ni-normal": ni("normal"),
  "ni-uniform": ni("uniform"),
  "ni-laplace": ni("laplace"),
  "mni-mix": ni("mix", "mix-image"),
  "mni-conv": ni("conv"),
  "rat-linf-normal": rat("pgd-linf", "normal"),
  "rat-linf-uniform": rat("pgd-linf", "uniform"),
  "rat-l2-normal": rat("pgd-l2", "normal"),
  "rat-l2-uniform": rat("pgd-l2", "uniform"),
};

/** The names of all defences. */
export const defenseNames: readonly string[] = Object.keys(defenses);

/**
 * The defence of this name (Araujo et al. 2019, arXiv:1903.10219), with the paper's settings as defaults. `toNoise` resolves the
 * name of its noise, whose lengths are on the scale of pixels in [0, 1]. Throws `UsageError`.
 */
export function defenseNamed(
  name: string,
  options: z.input<typeof DefenseOptions> = {},
  toNoise: NoiseNamed = noiseNamed,
): Defense {
  if (!Object.hasOwn(defenses, name))
    throw new UsageError(unknownName("defense", name, defenseNames), { code: "unknown-name" });
  const resolved = resolve(DefenseOptions, options);
  refuseUnused(name, resolved);
  const { objective, noise, attacks } = defenses[name](name, resolved, toNoise);
  return { name, objective, noise, attacks };
}
