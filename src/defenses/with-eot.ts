import { splitCall } from "../attacks/prefetch.ts";
import type { CallHints, Loss, LossAndGradient, Victim } from "../attacks/victim.ts";
import { linear } from "../losses/linear.ts";
import { meanRows, ofMean } from "../losses/of-mean.ts";
import { lossOfLogits, takeLoss } from "../losses/plain.ts";
import type { RowLoss } from "../losses/table.ts";
import { fold, type Key } from "../math/random.ts";
import { concatRows, type Tensor, takeRows, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { batches, type Drawn, examplesAt, runningMean } from "./eot-draws.ts";
import { meanProbability } from "./mean-probability.ts";
import { requirePositive, requireVictim } from "./requirements.ts";

/**
 * What an attack on a randomised victim maximises: the mean of the draws' losses, the loss of their mean logits, or −log of
 * the label's mean probability. The last one is defined for cross-entropy only; another loss is an internal error.
 */
export type EotObjective = (typeof eotObjectives)[number];
const eotObjectives = ["mean-loss", "mean-logits", "mean-probability"] as const;

/**
 * Expectation over transformation (Athalye et al. 2018, arXiv:1707.07397): a randomised victim averaged over `draws` draws, as
 * a victim without noise: x [batch, ...pixels] → logits [batch, classes]. Draw r of an example has the key fold(key, r), and
 * draws are summed in that order, so results do not depend on the batch. The victim is asked for at most `maxBatch` rows at
 * once, so memory does not grow with `draws`. Throws `UsageError` if an argument is of the wrong kind.
 *
 * @example
 * ```ts
 * import { classifier, noiseNamed, nodeRuntime, openModel, withEot, withNoise } from "rampart/node";
 *
 * const { architecture, parameters } = await openModel("runs/at");
 * const network = classifier(await nodeRuntime(), architecture, parameters);
 * const noisy = withNoise(network, noiseNamed("normal:0.1"));
 * const averaged = withEot(noisy, 16); // attacks on it follow the mean over 16 draws
 * console.log(typeof averaged.lossAndGradient);
 * ```
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
  return {
    logits: (x, keys, hints) => meanLogits(drawn, x, keys, hints),
    async lossAndGradient(x, loss, keys, hints) {
      if (loss.kind === "of-mean")
        throw new Error("internal: EOT takes the loss of an example, not of its draws");
      // A loss that is linear in the logits has the same mean under both objectives.
      const isLinear = loss.kind === "linear" || loss.kind === "difference";
      return objective === "mean-loss" || isLinear
        ? meanLoss(drawn, x, loss, keys, hints)
        : lossOfMeanLogits(drawn, x, loss, keys, hints);
    },
  };
}

/** The batches of all draws of a call, each with the hints for its own call. */
const splitDraws = (drawn: Drawn, x: Tensor, keys: readonly Key[], hints: CallHints | undefined) =>
  splitCall((all) => batches(all, drawn), keys, x.shape, hints);

async function meanLogits(
  drawn: Drawn,
  x: Tensor,
  keys: readonly Key[],
  hints: CallHints | undefined,
): Promise<Tensor> {
  const mean = runningMean(keys.length, drawn.draws);
  for (const { batch, hints: own } of splitDraws(drawn, x, keys, hints)) {
    const { indices } = batch;
    mean.add(await drawn.model.logits(examplesAt(x, indices), batch.keys, own), indices);
  }
  return mean.result();
}

async function meanLoss(
  drawn: Drawn,
  x: Tensor,
  loss: Loss,
  keys: readonly Key[],
  hints: CallHints | undefined,
): Promise<LossAndGradient> {
  const [losses, logits, gradient] = [0, 1, 2].map(() => runningMean(keys.length, drawn.draws));
  let answer: LossAndGradient | undefined;
  for (const { batch, hints: own } of splitDraws(drawn, x, keys, hints)) {
    const { indices } = batch;
    answer = await drawn.model.lossAndGradient(
      examplesAt(x, indices),
      takeLoss(loss, indices),
      batch.keys,
      { ...own, reuse: answer },
    );
    losses.add(tensor([indices.length], answer.losses), indices);
    logits.add(answer.logits, indices);
    gradient.add(answer.gradient, indices);
  }
  return { losses: losses.result().data, logits: logits.result(), gradient: gradient.result() };
}

/** L(z̄) with z̄ = (1/K) Σᵣ zᵣ: ∂L/∂x = (1/K) Σᵣ ⟨∂L/∂z̄, ∂zᵣ/∂x⟩. */
async function lossOfMeanLogits(
  drawn: Drawn,
  x: Tensor,
  loss: RowLoss,
  keys: readonly Key[],
  hints: CallHints | undefined,
): Promise<LossAndGradient> {
  if (examplesPerBatch(drawn) === 0) return inTwoPasses(drawn, x, loss, keys, hints);
  const parts: LossAndGradient[] = [];
  const whole = (all: readonly Key[]) => wholeExamples(all, drawn);
  for (const { batch, hints: own } of splitCall(whole, keys, x.shape, hints))
    parts.push(await inOnePass(drawn, x, loss, batch, own));
  return {
    losses: Float32Array.from(parts.flatMap(({ losses }) => [...losses])),
    logits: concatRows(parts.map(({ logits }) => logits)),
    gradient: concatRows(parts.map(({ gradient }) => gradient)),
  };
}

/** How many examples fit into one batch with all of their draws. */
const examplesPerBatch = ({ draws, maxBatch }: Drawn): number => Math.floor(maxBatch / draws);

/** All draws of some examples. */
interface WholeExamples {
  readonly examples: readonly number[];
  /** The example and the key of each row [batch]; the draws of one example are adjacent. */
  readonly indices: readonly number[];
  readonly keys: readonly Key[];
}

/** All draws of all examples, example by example, in batches that split no example. */
function* wholeExamples(exampleKeys: readonly Key[], drawn: Drawn): Generator<WholeExamples> {
  const perBatch = examplesPerBatch(drawn);
  for (let from = 0; from < exampleKeys.length; from += perBatch) {
    const examples = exampleKeys.slice(from, from + perBatch).map((_, i) => from + i);
    const indices = examples.flatMap((i) => Array.from({ length: drawn.draws }, () => i));
    const keys = indices.map((index, i) => fold(exampleKeys[index], i % drawn.draws));
    yield { examples, indices, keys };
  }
}

/** Asks for the loss of mean logits: the graph takes the mean, so one pass gives z̄ and the gradient. */
async function inOnePass(
  { model, draws }: Drawn,
  x: Tensor,
  loss: RowLoss,
  { examples, indices, keys }: WholeExamples,
  hints: CallHints,
): Promise<LossAndGradient> {
  const answer = await model.lossAndGradient(
    takeRows(x, indices),
    ofMean(takeLoss(loss, examples), draws),
    keys,
    hints,
  );
  // ∂L/∂x is the sum over the rows of an example, and `meanRows` divides that sum by K.
  const gradient = meanRows(answer.gradient, draws);
  for (let i = 0; i < gradient.data.length; i++) gradient.data[i] *= draws;
  return { losses: answer.losses, logits: meanRows(answer.logits, draws), gradient };
}

/** For draws that do not fit into one batch: first z̄, then the gradient with the same keys. */
async function inTwoPasses(
  drawn: Drawn,
  x: Tensor,
  loss: RowLoss,
  keys: readonly Key[],
  hints: CallHints | undefined,
): Promise<LossAndGradient> {
  const again = { ...hints, next: { keys, shape: x.shape } };
  const logits = await meanLogits(drawn, x, keys, again);
  const { losses, gradient: weights } = lossOfLogits(loss, logits);
  const { gradient } = await meanLoss(drawn, x, linear(weights), keys, hints);
  return { losses, logits, gradient };
}

/**
 * The same victim with the constant keys `fixed` [batch], whatever keys a call passes: an attack on a randomised victim then
 * sees the same draws at every step. Every call must pass the whole batch [batch, ...pixels] in the same order.
 */
export function withFixedKeys(model: Victim, fixed: readonly Key[]): Victim {
  const fixedFor = (keys: readonly Key[]) => {
    if (keys.length !== fixed.length)
      throw new Error(
        `internal: the keys of ${fixed.length} examples are fixed, but a call passes ${keys.length}`,
      );
    return fixed;
  };
  const withFixed = (hints: CallHints | undefined) =>
    hints?.next === undefined ? hints : { ...hints, next: { ...hints.next, keys: fixed } };
  return {
    logits: async (x, keys, hints) => model.logits(x, fixedFor(keys), withFixed(hints)),
    lossAndGradient: async (x, loss, keys, hints) =>
      model.lossAndGradient(x, loss, fixedFor(keys), withFixed(hints)),
  };
}
