import { z } from "zod";
import { resolve } from "../attacks/options.ts";
import { AttackOptions, attackNamed } from "../attacks/table.ts";
import type { BoundedAttack } from "../attacks/victim.ts";
import { unknownName } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Noise, NoiseNamed } from "../noise/noise.ts";
import { noiseNamed } from "../noise/table.ts";
import { mixedMax, mixedRandom } from "./mixed.ts";
import type { Objective } from "./objective.ts";
import {
  adversarialTraining,
  noiseInjection,
  randomizedAdversarialTraining,
  standard,
} from "./objectives.ts";

/** How a classifier is trained, and what it adds to its inputs once it is. */
export interface Defense {
  /** As written on the command line: `rat-linf-uniform`. */
  readonly name: string;
  readonly objective: Objective;
  /** Injected at inference, as in training; null for a deterministic classifier. */
  readonly noise: Noise | null;
  /** The attacks inside training; several for mixed training, none for training without one. */
  readonly attacks: readonly BoundedAttack[];
}

/** The paper's settings inside training: as the attacks', but 10 steps. */
export const DefenseOptions = AttackOptions.extend({
  steps: z.int().positive().default(10).describe("gradient steps of the attack inside training"),
  noise: z.string().optional().describe("noise of a randomised defence, for example normal:0.25"),
  matChoice: z
    .enum(["example", "batch"])
    .optional()
    .describe(
      "mat-*: each example has its own norm (default, Eq. 12 and 13), or the batch has one (the authors' code)",
    ),
  ratNoise: z
    .enum(["fresh", "fixed"])
    .optional()
    .describe(
      "rat-*: the inner attack meets fresh noise at each step (default, Eq. 16), or one fixed noisy image (the authors' code)",
    ),
});
type Options = z.output<typeof DefenseOptions>;

/** The noise asked for, if it is of a kind that the defence is named after; the first kind is the paper's. */
function noiseOf(
  named: NoiseNamed,
  defense: string,
  kinds: readonly string[],
  text: string = kinds[0],
): Noise {
  const noise = named(text);
  if (!kinds.some((kind) => noise.name.startsWith(`${kind}:`)))
    throw new UsageError(
      `${defense} injects ${kinds.join(" or ")} noise, got ${text}; write ${noiseNamed(kinds[0]).name} with your numbers, or choose another defence`,
    );
  return noise;
}

type Make = (name: string, options: Options, noises: NoiseNamed) => Omit<Defense, "name">;

const attackOf = (
  attackName: string,
  { noise: _, matChoice: __, ratNoise: ___, ...options }: Options,
): BoundedAttack =>
  // Training takes every step, and the last point: an example that is broken early would otherwise be an easy one.
  attackNamed(attackName, { ...options, stopWhenBroken: false });

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
  (name, options, noises) => {
    const noise = noiseOf(noises, name, kinds, options.noise);
    return { objective: noiseInjection(noise), noise, attacks: [] };
  };

const rat =
  (attackName: string, kind: string): Make =>
  (name, options, noises) => {
    const noise = noiseOf(noises, name, [kind], options.noise);
    const attack = attackOf(attackName, options);
    const objective = randomizedAdversarialTraining(attack, noise, options.ratNoise);
    return { objective, noise, attacks: [attack] };
  };

/** An option that a defence has no use for would be an experiment that did not happen. */
function refuseUnused(name: string, { noise, matChoice, ratNoise }: Options): void {
  const injects = /^(ni|mni|rat)-/.test(name);
  if (noise !== undefined && !injects)
    throw new UsageError(
      `${name} injects no noise, got ${noise}; leave it out, or use ni-*, mni-* or rat-*`,
    );
  if (matChoice !== undefined && !name.startsWith("mat-"))
    throw new UsageError(
      `${name} does not choose between norms, got --mat-choice ${matChoice}; leave it out, or use mat-max or mat-rand`,
    );
  if (ratNoise !== undefined && !name.startsWith("rat-"))
    throw new UsageError(
      `${name} has no attack under noise, got --rat-noise ${ratNoise}; leave it out, or use rat-*`,
    );
}

/** One entry per defence of the paper; its name is a contract. */
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

/** Every defence that the command line knows. */
export const defenseNames: readonly string[] = Object.keys(defenses);

/** The defence of this name, with the paper's settings where options are left out; `noises` makes its noise. */
export function defenseNamed(
  name: string,
  options: z.input<typeof DefenseOptions> = {},
  noises: NoiseNamed = noiseNamed,
): Defense {
  if (!Object.hasOwn(defenses, name))
    throw new UsageError(unknownName("defense", name, defenseNames));
  const resolved = resolve(DefenseOptions, options);
  refuseUnused(name, resolved);
  return { name, ...defenses[name](name, resolved, noises) };
}
