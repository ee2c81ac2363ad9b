import { replacesExamples } from "../defenses/objective.ts";
import type { Defense } from "../defenses/table.ts";
import { callPlugin, requireResult } from "../math/plugin.ts";
import { fold, type Key, nameToNumber } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import { initialParameters } from "../models/initial.ts";
import type { CheckpointMetadata, Position } from "../models/opening/checkpoint.ts";
import type { FirstModel } from "./training.ts";

/** Separates what a defence draws from what the architecture draws. */
const STREAM = nameToNumber("first weights of the defence");

/**
 * The arrays of a network before its training: those of the architecture, or of the defence where it draws its own.
 * `areTrained` keeps those of the architecture, which then are the weights of a file. Throws `UsageError` with the code
 * `bad-plugin` for arrays of another shape.
 */
export function firstWeights(
  architecture: Architecture,
  defense: Defense,
  key: Key,
  areTrained = false,
): Parameters {
  const { objective, definition = { type: "defense", name: defense.name } } = defense;
  const first: Record<string, Tensor> = Object.assign({}, initialParameters(architecture, key));
  if (replacesExamples(objective) || areTrained) return first;
  for (const { name, shape, trainable } of architecture.parameters) {
    const own = fold(fold(key, STREAM), nameToNumber(name));
    const drawn = callPlugin(definition, "initialWeights", () =>
      objective.initialWeights?.({ name, shape, trainable, key: own }),
    );
    if (drawn !== undefined)
      first[name] = requireResult(definition, "initialWeights", drawn, shape);
  }
  return first;
}

/** The metadata of a run's model: before the first step of a run that starts from a file, those of the training that it had. */
export const modelAt = (
  { step }: Position,
  trained: CheckpointMetadata,
  first: FirstModel | undefined,
): CheckpointMetadata => (step === 0 ? Object.assign({}, trained, first) : trained);
