// What certified training by interval bounds shares: the warm-up, the loss from lower bounds of margins, and the first weights.
import { z } from "zod";
import { between, GraphIntervals } from "../engine/bounds/graph-intervals.ts";
import { marginBounds } from "../engine/bounds/graph-margins.ts";
import {
  add,
  clip,
  expand,
  greater,
  max,
  mean,
  mul,
  neg,
  scalar,
  scalarLike,
  sub,
  where,
} from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { crossEntropy } from "../losses/ce.ts";
import { normal } from "../math/distributions.ts";
import { elementCount, type Tensor, tensor } from "../math/tensor.ts";
import { trainingRadius } from "./inner-ascent.ts";
import type {
  BatchLoss,
  InitialParameter,
  LossInputs,
  LossObjective,
  TrainingProgress,
} from "./objective.ts";

/** When the radius of certified training grows, as shares of a run. */
export interface Warmup {
  /** The share before it, in which the loss is that of clean images. */
  readonly start: number;
  /** The share in which the radius grows, by the same length at every step, from 0 to its full length. */
  readonly warmup: number;
}

/**
 * How far a warm-up has come at a step: 0 before it, 1 after it. The radius of the step is this share of the full one.
 *
 * @example
 * ```ts
 * import { warmupShare } from "rampart";
 *
 * const warmup = { start: 0.1, warmup: 0.5 };
 * console.log(warmupShare(warmup, { step: 34, steps: 100 })); // 0.5: step 35 of the steps 11 to 60
 * ```
 */
export function warmupShare({ start, warmup }: Warmup, { step, steps }: TrainingProgress): number {
  const length = Math.max(1, Math.round(warmup * steps));
  return Math.min(1, Math.max(0, (step + 1 - Math.round(start * steps)) / length));
}

const share = (value: number, text: string) =>
  z.number().min(0).max(1).default(value).describe(text);

/** The options of a defence of this name. Numbers are those of its paper. */
export const boundTrainingOptions = (
  name: string,
  { start, warmup, kappa }: Warmup & { readonly kappa: number },
) =>
  z.strictObject(trainingRadius.linf).extend({
    start: share(start, `${name}: share of the run before the radius grows, on clean images`),
    warmup: share(
      warmup,
      `${name}: share of the run in which the radius grows at every step from 0 to --epsilon-linf`,
    ),
    kappa: share(
      kappa,
      `${name}: weight of the loss of clean images after the warm-up, which starts at 1`,
    ),
    init: z
      .enum(["interval", "network"])
      .default("interval")
      .describe(
        `${name}: initial weights that keep the width of intervals (Shi et al. 2021), or those of the network`,
      ),
  });

/** The resolved options of `ibp` or `crown-ibp`; the radius is for pixels in [0, 1]. */
export type BoundTrainingOptions = z.output<ReturnType<typeof boundTrainingOptions>>;

/**
 * Weights [out, ...in] that are normal with deviation √(2π)/in, for which intervals are as wide behind a linear layer and a ReLU
 * as before (Shi et al. 2021, arXiv:2103.17268, §3.1); undefined for vectors, which keep their first values.
 */
function ibpInitial({ shape, trainable, key }: InitialParameter): Tensor | undefined {
  if (!trainable || shape.length < 2) return undefined;
  const fanIn = elementCount(shape) / shape[0];
  return tensor(shape, normal([key], [1, ...shape], Math.sqrt(2 * Math.PI) / fanIn).data);
}

/** The logits and the intervals of all layers, for images within `epsilon` (a scalar) of `x` and in [0, 1]. */
function bounded({ network, arrays: { x, epsilon } }: LossInputs) {
  const logits = network(x);
  const box = between(clip(sub(x, epsilon), 0, 1), clip(add(x, epsilon), 0, 1));
  return { logits, intervals: new GraphIntervals(x, logits, box) };
}

/** Larger than any margin. */
const FAR = 1e30;

/** The least margin of each row [batch, classes] over the classes other than the label. */
function leastMargin(margins: Value, oneHot: Value): Value {
  const isLabel = greater(oneHot, scalarLike(oneHot, 0.5));
  return neg(max(where(isLabel, scalarLike(margins, -FAR), neg(margins)), [1]));
}

/** weight · a + (1 − weight) · b, for a scalar weight. */
const mixed = (weight: Value, a: Value, b: Value): Value =>
  add(mul(a, weight), mul(b, sub(scalarLike(weight, 1), weight)));

/** The phases of a run. Each has a graph of its own, since nothing should be computed whose weight is 0. */
type Phase = "clean" | "crown" | "intervals";

/**
 * κ · CE(clean) + (1 − κ) · CE(worst), where worst are minus the lower bounds of the margins; their weights, the radius and β are
 * scalars that change at every step.
 */
function boundLoss(inputs: LossInputs, byCrown: boolean): BatchLoss {
  const { oneHot, arrays } = inputs;
  const phase = (inputs.phase ?? (byCrown ? "crown" : "intervals")) as Phase;
  if (phase === "clean") {
    const logits = inputs.network(arrays.x);
    return { loss: mean(crossEntropy(logits, oneHot)), logits };
  }
  const { logits, intervals } = bounded(inputs);
  let margins = marginBounds(intervals, logits, oneHot);
  if (phase === "crown") {
    const tighter = marginBounds(intervals, logits, oneHot, { throughRelus: true });
    margins = mixed(expand(arrays.beta, margins.shape), tighter, margins);
  }
  const clean = mean(crossEntropy(logits, oneHot));
  const worst = mean(crossEntropy(neg(margins), oneHot));
  return { loss: mixed(arrays.kappa, clean, worst), logits };
}

const scalarOf = (value: number): Tensor => tensor([], [value]);

/** The last step, for callers that are in no run. */
const FINISHED: TrainingProgress = { step: 1, steps: 1 };

/**
 * The objective of certified training in ℓ∞ on batches [batch, ...pixels] in [0, 1]. `byCrown` adds the bounds of CROWN-IBP,
 * whose weight β falls from 1 to 0 while the radius grows.
 */
export function boundTraining(
  name: string,
  options: BoundTrainingOptions,
  { byCrown = false }: { readonly byCrown?: boolean } = {},
): LossObjective {
  const { epsilonLinf, kappa, init } = options;
  const objective: LossObjective = {
    name,
    exactLabels: true,
    refusesWarmup: `grows its radius at every step by itself; set --${name}-warmup, a share of the run`,
    arrays: ({ images }) =>
      Object.assign({ x: images, epsilon: [], kappa: [] }, byCrown ? { beta: [] } : undefined),
    phase(progress) {
      const done = warmupShare(options, progress);
      if (done === 0) return "clean" satisfies Phase;
      return (byCrown && done < 1 ? "crown" : "intervals") satisfies Phase;
    },
    loss: (inputs) => boundLoss(inputs, byCrown),
    provenMargin(inputs) {
      const epsilon = scalar(epsilonLinf);
      const arrays = Object.assign({}, inputs.arrays, { epsilon });
      const { logits, intervals } = bounded(Object.assign({}, inputs, { arrays }));
      return leastMargin(marginBounds(intervals, logits, inputs.oneHot), inputs.oneHot);
    },
    async feeds(_, x, _labels, _keys, progress = FINISHED) {
      const done = warmupShare(options, progress);
      const feeds = {
        x,
        epsilon: scalarOf(done * epsilonLinf),
        kappa: scalarOf(1 - done * (1 - kappa)),
      };
      return byCrown ? Object.assign(feeds, { beta: scalarOf(1 - done) }) : feeds;
    },
  };
  return init === "interval" ? Object.assign(objective, { initialWeights: ibpInitial }) : objective;
}
