import type { Labels, Victim } from "../attacks/victim.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";

/** A defence that replaces the clean batch by other examples, and trains with the cross-entropy of one forward pass. */
export interface Objective {
  /** For records, such as `at-linf`. */
  readonly name: string;
  /** x [batch, ...pixels] in [0, 1], labels and keys [batch] → examples to train on, of the shape of x. */
  examples(model: Victim, x: Tensor, labels: Labels, keys: readonly Key[]): Promise<Tensor>;
  /** Prefetches for a call to come: `keys` [batch], `shape` [batch, ...pixels]. A hint that lets noise be drawn early. */
  prefetch?(keys: readonly Key[], shape: Shape): void;
  /** Whether the examples come from attacks of one step, which can overfit catastrophically. */
  readonly oneStep?: boolean;
}

/** The sizes of a training batch. */
export interface BatchShape {
  /** Examples per batch. */
  readonly batch: number;
  /** The shape of x: [batch, channel, height, width]. */
  readonly images: Shape;
  readonly classes: number;
}

/** How far a training run has come. */
export interface TrainingProgress {
  /** Steps finished; 0 before the first one. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly steps: number;
}

/**
 * One forward pass of the network in training, in batch mode: images [batch, channel, height, width] → logits [batch,
 * classes]. By default the first pass of a loss updates the running statistics of batch norms, and later ones leave them;
 * `updatesStatistics` says otherwise, and several updates follow each other. All passes drop the same features.
 */
export type NetworkPass = (
  images: Value,
  options?: { readonly updatesStatistics?: boolean },
) => Value;

/** What the loss of a batch is built from. */
export interface LossInputs {
  readonly network: NetworkPass;
  /** The arrays that the objective names, with their shapes. */
  readonly arrays: Readonly<Record<string, Value>>;
  /** 1 at each label and 0 elsewhere, [batch, classes]. */
  readonly oneHot: Value;
  /** The phase that the loss is built for; absent for a loss that must serve all of them. */
  readonly phase?: string | undefined;
}

/** The loss of a batch, a scalar, and the logits [batch, classes] that its training accuracy is counted from. */
export interface BatchLoss {
  readonly loss: Value;
  readonly logits: Value;
}

/** The loss of a batch at some weights, with its gradients; all arrays are on the host. */
export interface BatchGradients {
  readonly loss: number;
  /** Examples classified correctly. */
  readonly correct: number;
  /** The gradient by each trainable parameter, in its shape. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  /** The gradient by each array of `inputGradients`, in its shape. */
  readonly arrays: Readonly<Record<string, Tensor>>;
  /** Running statistics [channel] after the pass, by name; `apply` takes them over. */
  readonly statistics: Readonly<Record<string, Tensor>>;
}

/** One batch of a training run, as an objective with its own procedure sees it. */
export interface TrainingBatch {
  /** The network at its present weights. */
  readonly model: Victim;
  /** Augmented images [batch, channel, height, width] in [0, 1]. */
  readonly x: Tensor;
  /** One label per example. */
  readonly labels: Labels;
  /** One key per example and batch, [batch]. */
  readonly keys: readonly Key[];
  readonly progress: TrainingProgress;
  /** The arrays that the previous batch returned, in their shapes; zeros before the first batch. */
  readonly memory: Readonly<Record<string, Tensor>>;
  /**
   * The loss and the gradients at the present weights, for the given arrays in their shapes. Each call draws new dropout
   * masks. Changes nothing.
   */
  gradients(arrays: Readonly<Record<string, Tensor>>): Promise<BatchGradients>;
  /** One step of the optimiser from the present weights with these gradients. Not allowed inside `withParameters`. */
  apply(gradients: BatchGradients): Promise<void>;
  /** A copy of the trainable parameters, by name, in their shapes. */
  parameters(): Promise<Record<string, Tensor>>;
  /**
   * Runs `body` with some trainable parameters replaced, in their shapes, for `model` and `gradients` alike. Afterwards the parameters are
   * those of before, to the bit, also if `body` throws. Scopes may be nested.
   */
  withParameters<T>(replaced: Readonly<Record<string, Tensor>>, body: () => Promise<T>): Promise<T>;
}

/** A parameter of a network before training, and a key that is its own. */
export interface InitialParameter {
  readonly name: string;
  readonly shape: Shape;
  readonly trainable: boolean;
  readonly key: Key;
}

/** A defence with a loss of its own, such as one of several forward passes, or with a procedure of its own for each batch. */
export interface LossObjective {
  /** For records, such as `trades`. */
  readonly name: string;
  /** The arrays that the loss takes, by name, with their shapes; by default `x`, the images. */
  arrays?(shape: BatchShape): Readonly<Record<string, Shape>>;
  /** Builds the loss; by default the mean cross-entropy of one pass on `x`. */
  loss?(inputs: LossInputs): BatchLoss;
  /**
   * The phase of a run at a step. The loss is built anew, for this phase, whenever it changes. By default there is one. Not
   * called if there is a `train`.
   */
  phase?(progress: TrainingProgress): string;
  /**
   * The values of the arrays for x [batch, ...pixels] in [0, 1], labels and keys [batch]. One step of the optimiser follows.
   * `progress` is that before the step; absent, the run counts as finished. Not called if there is a `train`.
   */
  feeds?(
    model: Victim,
    x: Tensor,
    labels: Labels,
    keys: readonly Key[],
    progress?: TrainingProgress,
  ): Promise<Readonly<Record<string, Tensor>>>;
  /**
   * Trains on one batch: applies at least one step of the optimiser. Returns the arrays that the next batch finds in
   * `memory`, in their shapes. The loss and the accuracy of a batch are the means over its steps.
   */
  train?(batch: TrainingBatch): Promise<Readonly<Record<string, Tensor>> | undefined>;
  /** The weights of a new network, in its shape; undefined keeps those of the architecture. A file keeps its own. */
  initialWeights?(parameter: InitialParameter): Tensor | undefined;
  /** Whether the loss is taken at attacks of one step, which can overfit catastrophically. */
  readonly oneStep?: boolean;
  /** Why the run takes no --epsilon-warmup, as the end of a sentence; absent if it does. */
  readonly refusesWarmup?: string;
  /**
   * Lower bounds [batch] on the margin of the label's logit, over all images near `arrays.x` that the defence trains
   * for. The network passes are those of a trained network. Validation counts the images whose bound is above 0, and
   * attacks nothing.
   */
  provenMargin?(inputs: LossInputs): Value;
  /** Whether the loss reads the label itself from `oneHot`, which smoothed labels would falsify. */
  readonly exactLabels?: boolean;
  /** Arrays that `gradients` also differentiates by. */
  readonly inputGradients?: readonly string[];
  /** Arrays that are kept from batch to batch and saved in checkpoints, by name, with their shapes. Zeros at first. */
  memory?(shape: BatchShape): Readonly<Record<string, Shape>>;
  /** Prefetches for a call to come, as `prefetch` of `Objective` does: `keys` [batch], `shape` [batch, ...pixels]. */
  prefetch?(keys: readonly Key[], shape: Shape): void;
}

/** Whether an objective replaces examples only, and trains with cross-entropy. */
export const replacesExamples = (objective: Objective | LossObjective): objective is Objective =>
  "examples" in objective;

/** Why a defence with this objective takes no growing radii, as the end of a sentence; undefined if it does. */
export const warmupRefusal = (objective: Objective | LossObjective): string | undefined =>
  replacesExamples(objective) ? undefined : objective.refusesWarmup;

/**
 * The objective, if it replaces examples: its `examples` maps x [batch, ...pixels] in [0, 1] to the batch that is trained on.
 * Throws `UsageError` with the code `misfit` for an objective with a loss or a procedure of its own.
 *
 * @example
 * ```ts
 * import { defenseNamed, requireExamples } from "rampart";
 *
 * const { objective } = defenseNamed("at-linf");
 * console.log(requireExamples(objective).name);
 * ```
 */
export function requireExamples(objective: Objective | LossObjective): Objective {
  if (replacesExamples(objective)) return objective;
  throw new UsageError(`${objective.name} has a loss of its own, and gives no examples`, {
    code: "misfit",
  });
}
