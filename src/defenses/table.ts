import { z } from "zod";
import { resolve } from "../attacks/options.ts";
import { AttackOptions, attackNamed } from "../attacks/table.ts";
import type { BoundedAttack } from "../attacks/victim.ts";
import { unknownName } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Noise } from "../noise/noise.ts";
import { noiseNamed } from "../noise/table.ts";
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
  /** The attack inside training; null where there is none. */
  readonly attack: BoundedAttack | null;
}

/** The paper's settings inside training: as the attacks', but 10 steps. */
export const DefenseOptions = AttackOptions.extend({
  steps: z.int().positive().default(10).describe("gradient steps of the attack inside training"),
  noise: z.string().optional().describe("noise of a randomised defence, for example normal:0.25"),
});
type Options = z.output<typeof DefenseOptions>;

/** The noise asked for, if it is of the kind that the defence is named after. */
function noiseOf(defense: string, kind: string, text: string = kind): Noise {
  const noise = noiseNamed(text);
  if (!noise.name.startsWith(`${kind}:`))
    throw new UsageError(
      `${defense} injects ${kind} noise, got ${text}; write ${kind}:NUMBER, or choose another defence`,
    );
  return noise;
}

type Make = (name: string, options: Options) => Omit<Defense, "name">;

const at =
  (attackName: string): Make =>
  (name, { noise, ...options }) => {
    refuseNoise(name, noise);
    const attack = attackNamed(attackName, options);
    return { objective: adversarialTraining(attack), noise: null, attack };
  };

const ni =
  (kind: string): Make =>
  (name, options) => {
    const noise = noiseOf(name, kind, options.noise);
    return { objective: noiseInjection(noise), noise, attack: null };
  };

const rat =
  (attackName: string, kind: string): Make =>
  (name, { noise: text, ...options }) => {
    const noise = noiseOf(name, kind, text);
    const attack = attackNamed(attackName, options);
    return { objective: randomizedAdversarialTraining(attack, noise), noise, attack };
  };

function refuseNoise(name: string, noise: string | undefined): void {
  if (noise !== undefined)
    throw new UsageError(
      `${name} injects no noise, got ${noise}; leave it out, or use ni-* or rat-*`,
    );
}

/** One entry per defence of the paper; its name is a contract. */
const defenses: Readonly<Record<string, Make>> = {
  standard: (name, { noise }) => {
    refuseNoise(name, noise);
    return { objective: standard, noise: null, attack: null };
  },
  "at-linf": at("pgd-linf"),
  "at-l2": at("pgd-l2"),
  "ni-normal": ni("normal"),
  "ni-uniform": ni("uniform"),
  "rat-linf-normal": rat("pgd-linf", "normal"),
  "rat-linf-uniform": rat("pgd-linf", "uniform"),
  "rat-l2-normal": rat("pgd-l2", "normal"),
  "rat-l2-uniform": rat("pgd-l2", "uniform"),
};

/** Every defence that the command line knows. */
export const defenseNames: readonly string[] = Object.keys(defenses);

/** The defence of this name, with the paper's settings where options are left out. */
export function defenseNamed(name: string, options: z.input<typeof DefenseOptions> = {}): Defense {
  if (!Object.hasOwn(defenses, name))
    throw new UsageError(unknownName("defense", name, defenseNames));
  return { name, ...defenses[name](name, resolve(DefenseOptions, options)) };
}
