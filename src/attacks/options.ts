import { z } from "zod";
import { parseOptions } from "../math/option-problems.ts";

/** The message for a radius on the scale of pixels in [0, 255]. */
export const tooLargeMessage = (epsilon: unknown) =>
  `epsilon is ${epsilon}, but pixels are in [0, 1]; did you mean ${epsilon}/255?`;

/** A radius in ℓ∞ for pixels in [0, 1], below 1: a ball of radius 1 contains every image. */
export const EpsilonLinf = z
  .number()
  .positive()
  .lt(1, { error: ({ input }) => tooLargeMessage(input) });

/** A radius in ℓ2 for pixels in [0, 1]; `checkEpsilon` checks the upper bound √pixels once the images are known. */
export const EpsilonL2 = z.number().positive();

/** A radius in ℓ1 for pixels in [0, 1]; `checkEpsilon` checks the upper bound, the number of pixels. */
export const EpsilonL1 = z.number().positive();

/** A radius in ℓ0, the number of pixels that may change; `checkEpsilon` checks the upper bound, the number of pixels. */
export const EpsilonL0 = z.int().positive();

/** Parses options and fills in defaults. Throws a `UsageError` that names every option that is unknown or out of range. */
export function resolve<S extends z.ZodType>(schema: S, options: unknown): z.output<S> {
  return parseOptions(schema, options, {
    label: (name) => name,
    describe: () => undefined,
    names: namesIn(schema),
  });
}

/** The names of all options of a schema, or of all branches of a union. */
function namesIn(schema: z.ZodType): readonly string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (!(schema instanceof z.ZodUnion)) return [];
  return [
    ...new Set(
      schema.options.flatMap((branch) => (branch instanceof z.ZodType ? namesIn(branch) : [])),
    ),
  ];
}

/** Whether the attack on an example stops once it is misclassified. Off for a randomised victim, which may err by chance. */
export const StopWhenBroken = z
  .boolean()
  .default(true)
  .describe("stop attacking an example once it is misclassified; off for a randomised victim");

/** Whether an ascent starts at a random point of the ball, or at the clean image. */
export const RandomStart = z
  .boolean()
  .default(true)
  .describe("start from a random point of the ball");

/** The number of starts of PGD, PGD-T and APGD; a targeted attack has as many towards each target. */
export const Restarts = z
  .int()
  .positive()
  .default(1)
  .describe("starts of PGD, PGD-T and APGD; the most damaging result is kept");

/** The options of attacks with several starts; every such attack shares them. */
export const startOptions = {
  restarts: "restarts",
  randomStart: "randomStart",
  stopWhenBroken: "stopWhenBroken",
} as const;
