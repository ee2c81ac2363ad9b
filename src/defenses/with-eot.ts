import { prefetchBatch, prefetched } from "../attacks/prefetch.ts";
import type { Loss, LossAndGradient, Victim } from "../attacks/victim.ts";
import { linear, lossOfLogits, meanRows, ofMean, type PerRow, takeLoss } from "../losses/plain.ts";
import { fold, type Key } from "../math/random.ts";
import { concatRows, type Tensor, takeRows, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { batches, type Drawn, examplesAt, mean } from "./eot-draws.ts";
import { meanProbability } from "./mean-probability.ts";
import { requirePositive, requireVictim } from "./wrapped.ts";

/**
 * What an attack on a randomised victim maximises: the mean of the draws' losses, the loss of their mean logits, or
 * −log of the label's mean probability (for cross-entropy alone; any other loss is an internal error).
 */
export type EotObjective = (typeof eotObjectives)[number];
const eotObjectives = ["mean-loss", "mean-logits", "mean-probability"] as const;

/**
 * Expectation over transformation (Athalye et al. 2018, arXiv:1707.07397) of a randomised victim over `draws` draws, as
 * a victim without noise. Draw r of an example has the key fold(key, r), and draws are summed in that order, whatever
 * the batch. At most `maxBatch` rows meet the victim at once, so memory does not grow with `draws`. Throws `UsageError`.
 */
export function withEot(
  model: Victim,
  draws: number,
  maxBatch = 256,
  objective: EotObjective = "mean-loss",
): Victim {
  requirePositive("EOT needs a positive number of draws", draws);
  requirePositive("EOT needs a positive number of rows as maxBatch", maxBatch);
  requireVictim("withEot", model);
  if (!eotObjectives.includes(objective))
    throw new UsageError(
      `the objective of EOT is ${String(objective)}, but it must be ${eotObjectives.join(", ")}`,
      { code: "bad-option" },
    );
  const drawn = { model, draws, maxBatch };
  if (objective === "mean-probability") return meanProbability(drawn);
  const inWholeExamples = objective === "mean-logits" && runExamples(drawn) > 0;
  return {
    prefetch(keys, shape) {
      const [first] = inWholeExamples ? wholeExamples(keys, drawn) : batches(keys, drawn);
      prefetchBatch(model, first, shape);
    },
    logits: (x, keys) => meanLogits(drawn, x, keys),
    lossAndGradient: (x, loss, keys) =>
      loss.kind === "of-mean"
        ? Promise.reject(new Error("internal: EOT takes the loss of an example, not of its draws"))
        : // A loss that is linear in the logits has the same mean either way.
          objective === "mean-loss" || loss.kind === "linear" || loss.kind === "difference"
          ? meanLoss(drawn, x, loss, keys)
          : lossOfMeanLogits(drawn, x, loss, keys),
  };
}

async function meanLogits(drawn: Drawn, x: Tensor, keys: readonly Key[]): Promise<Tensor> {
  const sum = mean(keys.length, drawn.draws);
  for (const { indices, own } of prefetched(drawn.model, batches(keys, drawn), x.shape))
    sum.add(await drawn.model.logits(examplesAt(x, indices), own), indices);
  return sum.result();
}

async function meanLoss(
  drawn: Drawn,
  x: Tensor,
  loss: Loss,
  keys: readonly Key[],
): Promise<LossAndGradient> {
  const [losses, logits, gradient] = [0, 1, 2].map(() => mean(keys.length, drawn.draws));
  let part: LossAndGradient | undefined;
  for (const { indices, own } of prefetched(drawn.model, batches(keys, drawn), x.shape)) {
    const taken = takeLoss(loss, indices);
    part = await drawn.model.lossAndGradient(examplesAt(x, indices), taken, own, part);
    losses.add(tensor([indices.length], part.losses), indices);
    logits.add(part.logits, indices);
    gradient.add(part.gradient, indices);
  }
  return { losses: losses.result().data, logits: logits.result(), gradient: gradient.result() };
}

/** L(z̄) with z̄ = (1/K) Σᵣ zᵣ: ∂L/∂x = (1/K) Σᵣ ⟨∂L/∂z̄, ∂zᵣ/∂x⟩. */
async function lossOfMeanLogits(
  drawn: Drawn,
  x: Tensor,
  loss: PerRow,
  keys: readonly Key[],
): Promise<LossAndGradient> {
  if (runExamples(drawn) === 0) return inTwoPasses(drawn, x, loss, keys);
  const parts: LossAndGradient[] = [];
  for (const run of prefetched(drawn.model, wholeExamples(keys, drawn), x.shape))
    parts.push(await inOneRun(drawn, x, loss, run));
  return {
    losses: Float32Array.from(parts.flatMap(({ losses }) => [...losses])),
    logits: concatRows(parts.map(({ logits }) => logits)),
    gradient: concatRows(parts.map(({ gradient }) => gradient)),
  };
}

/** The examples that fit into a run with all of their draws. */
const runExamples = ({ draws, maxBatch }: Drawn): number => Math.floor(maxBatch / draws);

interface Run {
  readonly examples: readonly number[];
  /** The example and the key of each row: the draws of an example lie together. */
  readonly indices: readonly number[];
  readonly own: readonly Key[];
}

/** All draws of all examples, example by example, in runs that split none. */
function* wholeExamples(keys: readonly Key[], drawn: Drawn): Generator<Run> {
  const together = runExamples(drawn);
  for (let from = 0; from < keys.length; from += together) {
    const examples = keys.slice(from, from + together).map((_, i) => from + i);
    const indices = examples.flatMap((i) => Array.from({ length: drawn.draws }, () => i));
    const own = indices.map((index, i) => fold(keys[index], i % drawn.draws));
    yield { examples, indices, own };
  }
}

/** All draws of some examples in one run, whose graph takes the mean: z̄ costs nothing beside the gradient. */
async function inOneRun(
  { model, draws }: Drawn,
  x: Tensor,
  loss: PerRow,
  { examples, indices, own }: Run,
): Promise<LossAndGradient> {
  const run = await model.lossAndGradient(
    takeRows(x, indices),
    ofMean(takeLoss(loss, examples), draws),
    own,
  );
  // Each row has its part of ∂L/∂x, and their mean is a K-th of the sum.
  const gradient = meanRows(run.gradient, draws);
  for (let i = 0; i < gradient.data.length; i++) gradient.data[i] *= draws;
  return { losses: run.losses, logits: meanRows(run.logits, draws), gradient };
}

/** Where the draws of one example are too many for a run: z̄ first, then the gradient, at the same keys. */
async function inTwoPasses(
  drawn: Drawn,
  x: Tensor,
  loss: PerRow,
  keys: readonly Key[],
): Promise<LossAndGradient> {
  const logits = await meanLogits(drawn, x, keys);
  const { losses, gradient: weights } = lossOfLogits(loss, logits);
  const { gradient } = await meanLoss(drawn, x, linear(weights), keys);
  return { losses, logits, gradient };
}

/**
 * The same victim with one key per example for good, whatever keys a call brings: a randomised victim then shows an
 * attack the same draws at every step. Every call must bring the whole batch, in its order.
 */
export function withFixedKeys(model: Victim, fixed: readonly Key[]): Victim {
  const checked = (keys: readonly Key[]) => {
    if (keys.length !== fixed.length)
      throw new Error(
        `internal: the keys of ${fixed.length} examples are fixed, but a call brings ${keys.length}`,
      );
    return fixed;
  };
  return {
    logits: async (x, keys) => model.logits(x, checked(keys)),
    lossAndGradient: async (x, loss, keys, over) =>
      model.lossAndGradient(x, loss, checked(keys), over),
    prefetch: (_, shape) => model.prefetch?.(fixed, [fixed.length, ...shape.slice(1)]),
  };
}
