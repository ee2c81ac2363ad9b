import { defined } from "../math/defined.ts";
import { addScaled, type Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Defense } from "./defense.ts";
import {
  type BatchGradients,
  type LossObjective,
  type Objective,
  replacesExamples,
} from "./objective.ts";

const euclidean = ({ data }: Tensor): number =>
  Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));

/** Each array of weights moved by γ‖w‖ along its gradient. Vectors, such as biases and batch norms, stay as they are. */
function perturbed(
  parameters: Readonly<Record<string, Tensor>>,
  slopes: BatchGradients["parameters"],
  gamma: number,
): Record<string, Tensor> {
  const moved: Record<string, Tensor> = {};
  for (const [name, weights] of Object.entries(parameters)) {
    if (weights.shape.length < 2) continue;
    const slope = slopes[name];
    const size = (gamma * euclidean(weights)) / (euclidean(slope) + 1e-12);
    moved[name] = addScaled(weights, slope, size);
  }
  return moved;
}

/** What a defence feeds its loss. */
function feedsOf(objective: Objective | LossObjective): NonNullable<LossObjective["feeds"]> {
  if (replacesExamples(objective))
    return async (model, x, labels, keys) => ({
      x: await objective.examples(model, x, labels, keys),
    });
  const { feeds } = objective;
  if (feeds !== undefined && objective.train === undefined)
    return (...call) => feeds.apply(objective, call);
  throw new UsageError(
    `${objective.name} trains each batch by a procedure of its own, which --awp cannot wrap; leave it out`,
    { code: "misfit" },
  );
}

/**
 * Adversarial weight perturbation around a defence (Wu et al. 2020, arXiv:2004.05884, Alg. 1): each step takes the gradients of
 * the defence's loss at weights that are moved by γ‖w‖, layer by layer, to where the loss of the batch is higher. The weights
 * come back to the bit before the step. Throws `UsageError` for a defence with a procedure of its own.
 */
export function withWeightPerturbation(defense: Defense, gamma: number): Defense {
  const { objective } = defense;
  const feeds = feedsOf(objective);
  const wrapped: LossObjective = {
    name: `${objective.name} + awp ${gamma}`,
    prefetch: (keys, shape) => objective.prefetch?.(keys, shape),
    async train(batch) {
      const { model, x, labels, keys, progress } = batch;
      const { gradients, parameters, withParameters, apply } = batch;
      const arrays = await feeds(model, x, labels, keys, progress);
      const { parameters: slopes } = await gradients(arrays);
      const moved = perturbed(await parameters(), slopes, gamma);
      await apply(await withParameters(moved, () => gradients(arrays)));
      return undefined;
    },
  };
  Object.assign(wrapped, defined({ oneStep: objective.oneStep }));
  if (!replacesExamples(objective)) {
    const { arrays, loss, exactLabels, initialWeights, refusesWarmup, provenMargin } = objective;
    Object.assign(wrapped, defined({ exactLabels, initialWeights, refusesWarmup, provenMargin }));
    if (arrays !== undefined) wrapped.arrays = (shape) => arrays.call(objective, shape);
    if (loss !== undefined) wrapped.loss = (inputs) => loss.call(objective, inputs);
  }
  return Object.assign({}, defense, { objective: wrapped });
}
