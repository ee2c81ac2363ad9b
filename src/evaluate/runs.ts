// What an evaluation runs, from its options alone: attacks with their effort, and the rows that each of them gives.
import { attackNamed, attackNames, minimalAttackNamed } from "../attacks/table.ts";
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
  /** Gradient steps of each start. */
  readonly steps: number;
  readonly restarts: number;
}

const unattacked: Run = {
  ...{ attack: null, name: "none", norm: null, radii: [null], eot: 1, steps: 0, restarts: 0 },
};

/** The options that are the minimum-norm attacks' own. */
const minimalOptions = (options: ResolvedOptions) => ({
  cwSteps: options.cwSteps,
  cwSearches: options.cwSearches,
  cwLearningRate: options.cwLearningRate,
  cwInitialConstant: options.cwInitialConstant,
  cwConfidence: options.cwConfidence,
  cwAbortEarly: options.cwAbortEarly,
});

function attacksNamed(name: string, options: ResolvedOptions): Omit<Run, "eot">[] {
  const { steps, restarts, stepSize, protocol } = options;
  if (!attackNames.includes(name)) {
    const attack = minimalAttackNamed(name, minimalOptions(options));
    const { norm } = attack;
    const radii = protocol === "published" ? [null] : radiiOf(norm, options);
    return [{ attack, name, norm, radii, steps: options.cwSteps, restarts: 1 }];
  }
  const { norm } = attackNamed(name);
  return radiiOf(norm, options).map((epsilon) => {
    const radius = norm === "linf" ? { epsilonLinf: epsilon } : { epsilonL2: epsilon };
    const effort = { steps, restarts, ...(stepSize !== undefined && { stepSize }) };
    const attack = attackNamed(name, { ...radius, ...effort });
    return { attack, name, norm, radii: [epsilon], steps, restarts };
  });
}

const radiiOf = (norm: Norm, { epsilonLinf, epsilonL2 }: ResolvedOptions): number[] => [
  ...new Set(norm === "linf" ? epsilonLinf : epsilonL2),
];

/** Every attack at every radius of its norm, in the order asked for; on a randomised model with every number of draws. */
export const runsOf = (options: ResolvedOptions, randomised: boolean): Run[] =>
  [...new Set(options.attacks)].flatMap((name) =>
    name === "none"
      ? [unattacked]
      : (randomised ? options.eot : [1]).flatMap((eot) =>
          attacksNamed(name, options).map((run) => ({ ...run, eot })),
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
export const rowCount = (options: ResolvedOptions, { size }: Split, randomised: boolean): number =>
  Math.min(options.examples, size) *
  runsOf(options, randomised).reduce((rows, { radii }) => rows + radii.length, 0);
