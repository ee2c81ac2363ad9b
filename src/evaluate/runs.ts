// The runs of an evaluation, derived from its options: attacks with their radii, and the rows that each run gives.
import { z } from "zod";
import { passesOf, sumOfPasses } from "../attacks/passes.ts";
import {
  attackNamed,
  attackOptions,
  boundedAttackNames,
  epsilonOption,
  minimalAttackNamed,
  minimalAttackOptions,
} from "../attacks/table.ts";
import type { Attack, AttackNorm, Passes } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { EVERY_IMAGE, type ImageRange } from "./image-range.ts";
import { NO_ATTACK, type ResolvedOptions } from "./options.ts";
import type { Row } from "./row.ts";

/** One run of one attack. A minimum-norm attack gives rows at several radii at once. */
export interface Run {
  /** Null for the clean image. */
  readonly attack: Attack | null;
  /** `none` for the clean image. */
  readonly name: string;
  readonly norm: AttackNorm | null;
  /** The radii of its rows, for pixels in [0, 1] and in ℓ0 in pixels; null means no bound. */
  readonly radii: readonly (number | null)[];
  /** Draws averaged per gradient step; 1 without EOT. */
  readonly eot: number;
  /** Gradient steps of each start; of Square, its queries. */
  readonly steps: number;
  readonly restarts: number;
  /** Passes through the network for one image, at most, with one draw and without the test of the result. */
  readonly passes: Passes;
}

/** Attacks made by the caller, by name; several of one name differ in their radii. */
export type CustomAttacks = ReadonlyMap<string, readonly Attack[]>;

/** The inputs of the runs besides the options. */
export interface RunContext {
  /** Whether the evaluated model adds noise. */
  readonly randomised: boolean;
  readonly customAttacks?: CustomAttacks | undefined;
}

const cleanRun: Run = {
  attack: null,
  name: NO_ATTACK,
  norm: null,
  radii: [null],
  eot: 1,
  steps: 0,
  restarts: 0,
  passes: sumOfPasses([]),
};

/** The options of bounded attacks that an evaluation has; radii are lists there. */
const optionsOfBounded = (options: ResolvedOptions) =>
  z
    .object(attackOptions().shape)
    .omit({ epsilonLinf: true, epsilonL2: true, epsilonL1: true, epsilonL0: true })
    .parse(options);
const optionsOfMinimal = (options: ResolvedOptions) =>
  z.object(minimalAttackOptions().shape).parse(options);

/** The options and radii of custom attacks, for the record: no table of options has them. */
export function customOptions(
  customAttacks: CustomAttacks = new Map(),
): Readonly<Record<string, unknown>> {
  const entries = [...customAttacks].map(([name, attacks]) => [
    `attack ${name}`,
    attacks.map(({ epsilon, options }) => ({ epsilon, options })),
  ]);
  return Object.fromEntries(entries);
}

/** The radii asked for in a norm, each once. */
const radiiOf = (norm: AttackNorm, options: ResolvedOptions): number[] => [
  ...new Set(options[epsilonOption[norm]]),
];

/** The radii of an attack's rows: its own radius, or those of its norm if it has no bound. */
function radiiFor(attack: Attack, options: ResolvedOptions): (number | null)[] {
  if (attack.epsilon !== null) return [attack.epsilon];
  return options.protocol === "published" ? [null] : radiiOf(attack.norm, options);
}

/** The bounded attack of this name at each radius of its norm. */
function boundedAttacks(name: string, options: ResolvedOptions, randomised: boolean): Attack[] {
  const { norm } = attackNamed(name);
  // The authors use the last point of an ascent, and a single wrong draw of a randomised model proves nothing.
  const stopWhenBroken = !randomised && options.protocol === "sound";
  const shared = { ...optionsOfBounded(options), stopWhenBroken };
  return radiiOf(norm, options).map((epsilon) =>
    attackNamed(name, { ...shared, [epsilonOption[norm]]: epsilon }),
  );
}

function attacksNamed(
  name: string,
  options: ResolvedOptions,
  { randomised, customAttacks }: RunContext,
): readonly Attack[] {
  const custom = customAttacks?.get(name);
  if (custom !== undefined) return custom;
  if (boundedAttackNames().includes(name)) return boundedAttacks(name, options, randomised);
  return [minimalAttackNamed(name, optionsOfMinimal(options))];
}

const runOf = (name: string, attack: Attack, eot: number, options: ResolvedOptions): Run => ({
  attack,
  name,
  norm: attack.norm,
  radii: radiiFor(attack, options),
  eot,
  steps: Number(attack.options.steps ?? attack.options.queries ?? 0),
  restarts: Number(attack.options.restarts ?? 1),
  passes: passesOf(attack),
});

/** Every attack at every radius of its norm, in the order asked for; on a randomised model for every number of EOT draws. */
export function runsOf(options: ResolvedOptions, context: RunContext): Run[] {
  const draws = context.randomised ? options.eot : [1];
  return [...new Set(options.attacks)].flatMap((name) => {
    if (name === NO_ATTACK) return [cleanRun];
    return draws.flatMap((eot) =>
      attacksNamed(name, options, context).map((attack) => runOf(name, attack, eot, options)),
    );
  });
}

/** Identifies a row within a file. */
export const rowName = ({
  index,
  attack,
  epsilon,
  eot,
}: Pick<Row, "index" | "attack" | "epsilon" | "eot">): string =>
  `${index} ${attack} ${epsilon} ${eot}`;

/** The number of rows that an evaluation of a range of images ends with, skipped examples included. */
export function rowCount(
  options: ResolvedOptions,
  { size }: Split,
  context: RunContext,
  { from, to }: ImageRange = EVERY_IMAGE,
): number {
  const images = Math.max(0, Math.min(options.examples, size, to) - from);
  return images * runsOf(options, context).reduce((rows, { radii }) => rows + radii.length, 0);
}
