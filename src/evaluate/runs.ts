// What an evaluation runs, from its options alone: attacks with their effort, and the rows that each of them gives.
import { z } from "zod";
import {
  attackNamed,
  attackNames,
  MinimalAttackOptions,
  minimalAttackNamed,
} from "../attacks/table.ts";
import type { Attack, Norm } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Row } from "./row.ts";

/** One run of one attack on some examples; a minimum-norm attack gives rows at several radii at once. */
export interface Run {
  /** Null for the clean image. */
  readonly attack: Attack | null;
  /** `none` for the clean image. */
  readonly name: string;
  readonly norm: Norm | null;
  /** Where it counts, pixels in [0, 1]; null stands for no bound. */
  readonly radii: readonly (number | null)[];
  /** Draws averaged per gradient step; 1 without EOT. */
  readonly eot: number;
  /** Gradient steps of each start; of Square, its queries. */
  readonly steps: number;
  readonly restarts: number;
}

const unattacked: Run = {
  attack: null,
  name: "none",
  norm: null,
  radii: [null],
  eot: 1,
  steps: 0,
  restarts: 0,
};

/** The options that are the minimum-norm attacks' own; the others are dropped. */
const OfMinimal = z.object(MinimalAttackOptions.shape);

/** Attacks that a caller has made itself, by their names; several of one name differ in their radii. */
export type OwnAttacks = ReadonlyMap<string, readonly Attack[]>;

const NONE: OwnAttacks = new Map();

/** What the caller's own attacks say of themselves, since no table has their options. */
export function ownOptions(own: OwnAttacks = new Map()): Readonly<Record<string, unknown>> {
  const entries = [...own].map(([name, all]) => [
    `attack ${name}`,
    all.map(({ epsilon, options }) => ({ epsilon, options })),
  ]);
  return Object.fromEntries(entries);
}

/** The radii at which an attack counts: its own, or those of its norm if it has no bound. */
function radiiFor(attack: Attack, options: ResolvedOptions): (number | null)[] {
  if (attack.epsilon !== null) return [attack.epsilon];
  return options.protocol === "published" ? [null] : radiiOf(attack.norm, options);
}

function attacksNamed(
  name: string,
  options: ResolvedOptions,
  randomised: boolean,
  own: OwnAttacks,
): Omit<Run, "eot">[] {
  const given = own.get(name);
  if (given !== undefined)
    return given.map((attack) => ({
      attack,
      name,
      norm: attack.norm,
      radii: radiiFor(attack, options),
      ...effortOf(attack),
    }));
  if (!attackNames.includes(name)) {
    const attack = minimalAttackNamed(name, OfMinimal.parse(options));
    const radii = radiiFor(attack, options);
    return [{ attack, name, norm: attack.norm, radii, ...effortOf(attack) }];
  }
  const { steps, restarts, stepSize, pgdTSteps, apgdSteps, squareQueries, fabSteps } = options;
  const { norm } = attackNamed(name);
  return radiiOf(norm, options).map((epsilon) => {
    const attack = attackNamed(name, {
      ...{ linf: { epsilonLinf: epsilon }, l2: { epsilonL2: epsilon }, l1: { epsilonL1: epsilon } }[
        norm
      ],
      steps,
      restarts,
      pgdTSteps,
      apgdSteps,
      squareQueries,
      fabSteps,
      // The authors take the last point of an ascent, and of a randomised model one lucky draw shows nothing.
      stopWhenBroken: !randomised && options.protocol === "sound",
      ...(stepSize !== undefined && { stepSize }),
    });
    return { attack, name, norm, radii: [epsilon], ...effortOf(attack) };
  });
}

/** What the attack's own options say of it. */
const effortOf = ({ options }: Attack) => ({
  steps: Number(options.steps ?? options.queries ?? 0),
  restarts: Number(options.restarts ?? 1),
});

const radiiOf = (norm: Norm, { epsilonLinf, epsilonL2, epsilonL1 }: ResolvedOptions): number[] => [
  ...new Set({ linf: epsilonLinf, l2: epsilonL2, l1: epsilonL1 }[norm]),
];

/** Every attack at every radius of its norm, in the order asked for; on a randomised model with every number of draws. */
export const runsOf = (
  options: ResolvedOptions,
  randomised: boolean,
  own: OwnAttacks = NONE,
): Run[] =>
  [...new Set(options.attacks)].flatMap((name) =>
    name === "none"
      ? [unattacked]
      : (randomised ? options.eot : [1]).flatMap((eot) =>
          attacksNamed(name, options, randomised, own).map((run) => ({ ...run, eot })),
        ),
  );

/** What makes a row unique in a file. */
export const rowName = ({
  index,
  attack,
  epsilon,
  eot,
}: Pick<Row, "index" | "attack" | "epsilon" | "eot">): string =>
  `${index} ${attack} ${epsilon} ${eot}`;

/** The number of rows that an evaluation ends with. */
export const rowCount = (
  options: ResolvedOptions,
  { size }: Split,
  randomised: boolean,
  own: OwnAttacks = NONE,
): number =>
  Math.min(options.examples, size) *
  runsOf(options, randomised, own).reduce((rows, { radii }) => rows + radii.length, 0);
