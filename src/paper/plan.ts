// The trainings and evaluations that a table needs, and those that are left.
import type { Dataset } from "../data/dataset.ts";
import { defenseNamed } from "../defenses/table.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "../models/architecture.ts";
import { architecture } from "../models/architectures.ts";
import { type FlopsPerImage, flopsPerImage } from "../models/flops.ts";
import { type ResolvedOptions, resolveOptions } from "../train/options.ts";
import {
  defensesOf,
  type EvaluationCell,
  evaluationPasses,
  evaluationsOf,
  type Kind,
  type Passes,
  type Table,
  trainingOf,
  trainingPasses,
} from "./cells.ts";
import type { Scale } from "./scales.ts";

/** A table's trainings and evaluations, and their cost. */
export interface Plan {
  readonly defenses: readonly string[];
  readonly cells: readonly EvaluationCell[];
  readonly network: Architecture;
  readonly flops: FlopsPerImage;
  /** The training options of a defence. */
  options(defense: string): ResolvedOptions;
  /** The passes of a defence's training. */
  training(defense: string): Passes;
}

/** The size of a reproduction. */
export interface Size {
  readonly scale: Scale;
  readonly seed: number;
  /** Share of the scale's test images. */
  readonly share: number;
  /** Only these defences; by default all defences of the table. */
  readonly defenses?: readonly string[] | undefined;
  /** Only these kinds of evaluation; by default all. */
  readonly kinds?: readonly Kind[] | undefined;
}

/** The plan of a table on the scale's data set. Throws `UsageError` for a defence that the table does not have. */
export function planOf(table: Table, size: Size, dataset: Dataset): Plan {
  const { scale, seed, share, defenses: only, kinds } = size;
  const all = defensesOf(table);
  const other = only?.find((defense) => !all.includes(defense));
  if (other !== undefined)
    throw new UsageError(`${table} has no ${other}; its defences are ${all.join(", ")}`, {
      code: "unknown-name",
    });
  const defenses = only ?? all;
  const options = (defense: string) => resolveOptions(trainingOf(defense, scale, seed));
  const { model = "" } = scale.training;
  const network = architecture(model, { ...dataset, classes: dataset.classes.length });
  return {
    defenses,
    network,
    flops: flopsPerImage(network),
    options,
    cells: defenses
      .flatMap((defense) => evaluationsOf(table, defense, scale, { share, seed }))
      .filter(({ kind }) => kinds?.includes(kind) ?? true),
    training(defense) {
      const { examples, epochs, steps } = options(defense);
      const used = Math.min(examples ?? dataset.train.size, dataset.train.size);
      return trainingPasses(defenseNamed(defense, { steps }), { epochs, examples: used });
    },
  };
}

/** The finished part of a plan, as found in the files of a reproduction. */
export interface Done {
  readonly trained: ReadonlySet<string>;
  /** Stored rows of each cell, without rows of images beyond the cell's number of examples. */
  readonly rows: ReadonlyMap<EvaluationCell, number>;
}

/** The number of rows of a finished cell, for a test split of `available` images. */
export function rowsExpected({ options, kind }: EvaluationCell, available: number): number {
  const { attacks, eot = [1], examples } = options;
  const attacked = attacks.filter((attack) => attack !== "none").length;
  const swept = kind === "sweep" ? attacked * eot.length : attacked;
  return Math.min(examples, available) * (attacks.length - attacked + swept);
}

/** The trainings and evaluations that are left; the cost of an evaluation counts its missing rows only. */
export function leftOf(plan: Plan, done: Done, available: number) {
  const untrained = plan.defenses.filter((defense) => !done.trained.has(defense));
  const evaluations = plan.cells.flatMap((cell) => {
    const share = 1 - (done.rows.get(cell) ?? 0) / rowsExpected(cell, available);
    if (share <= 0) return [];
    const { forwards, gradients } = evaluationPasses(cell);
    const passes = { forwards: forwards * share, gradients: gradients * share, steps: 0 };
    return [{ cell, passes }];
  });
  return { untrained, evaluations };
}
