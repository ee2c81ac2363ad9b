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

/** The options of a bounded attack in ℓ∞ or ℓ2: a norm, a radius in that norm, and the attack's own options. */
export const inPaperBall = <Own extends z.core.$ZodLooseShape>(own: Own) =>
  z.discriminatedUnion("norm", [
    z.strictObject({ norm: z.literal("linf"), epsilon: EpsilonLinf, ...own }),
    z.strictObject({ norm: z.literal("l2"), epsilon: EpsilonL2, ...own }),
  ]);

/** The options of a bounded attack in any norm: a norm, a radius in that norm, and the attack's own options. */
export const inBall = <Own extends z.core.$ZodLooseShape>(own: Own) =>
  z.discriminatedUnion("norm", [
    z.strictObject({ norm: z.literal("linf"), epsilon: EpsilonLinf, ...own }),
    z.strictObject({ norm: z.literal("l2"), epsilon: EpsilonL2, ...own }),
    z.strictObject({ norm: z.literal("l1"), epsilon: EpsilonL1, ...own }),
  ]);

/** Whether a misclassified example is left alone. Off for a randomised victim, which may err by chance. */
export const StopWhenBroken = z
  .boolean()
  .default(true)
  .describe("leave a misclassified example alone; off for a randomised victim");
