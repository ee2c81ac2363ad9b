// Attacks inside training that maximise a loss of the defence's own, from a start of its own.
import { z } from "zod";
import { ascend } from "../attacks/ascent.ts";
import type { Labels, PaperNorm, Victim } from "../attacks/victim.ts";
import type { RowLoss } from "../losses/table.ts";
import { normal } from "../math/distributions.ts";
import { foldAll, type Key } from "../math/random.ts";
import { add, type Tensor } from "../math/tensor.ts";
import { InnerAttackOptions } from "./inner-attack.ts";

const { epsilonLinf, epsilonL2, epsilonL1, steps } = InnerAttackOptions.shape;

/** The radius inside training of each norm, for pixels in [0, 1], under the name that all defences share. */
export const trainingRadius = {
  linf: { epsilonLinf },
  l2: { epsilonL2 },
  l1: { epsilonL1 },
} as const;

/** The steps of the attack inside training, and their length. */
export const InnerSteps = z.strictObject({
  steps,
  stepSize: z
    .number()
    .positive()
    .optional()
    .describe(
      "length of a step of the attack inside training, for pixels in [0, 1]; the defence has a default",
    ),
});

/** Shared options that bear the same name in a defence. */
export const sameNames = (schema: z.ZodObject): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.keys(schema.shape).map((name) => [name, name]));

/** An ascent in a ball of radius epsilon, by steps of the length `stepSize`, both for pixels in [0, 1]. */
export interface InnerAscent {
  readonly norm: PaperNorm;
  readonly epsilon: number;
  readonly steps: number;
  readonly stepSize: number;
}

/** A batch x [batch, ...pixels] in [0, 1], and per example a loss to maximise, a label and a key. */
export interface InnerBatch {
  readonly x: Tensor;
  readonly loss: RowLoss;
  readonly labels: Labels;
  readonly keys: readonly Key[];
}

/** The standard deviation of the start of TRADES and MART, for pixels in [0, 1]. */
const START_DEVIATION = 0.001;

/**
 * Takes all steps of the ascent from x + 0.001 · N(0, 1), as the authors of TRADES (arXiv:1901.08573) do. Returns [batch,
 * ...pixels] in the ball and in [0, 1].
 */
export function ascendFromNearby(
  { norm, epsilon, steps, stepSize }: InnerAscent,
  victim: Victim,
  batch: InnerBatch,
): Promise<Tensor> {
  const { x, keys } = batch;
  const start = add(x, normal(foldAll(keys, 0), x.shape, START_DEVIATION));
  const ascent = {
    norm,
    epsilon,
    steps,
    length: () => stepSize,
    momentum: 0,
    stopWhenBroken: false,
  };
  return ascend(ascent, victim, Object.assign({}, batch, { keys: foldAll(keys, 1) }), start);
}
