import { z } from "zod";
import { parseOptions } from "../math/option-problems.ts";

/** The message about a radius that was meant for pixels in [0, 255]. */
export const tooLarge = (epsilon: unknown) =>
  `epsilon is ${epsilon}, but pixels are in [0, 1]; did you mean ${epsilon}/255?`;

/** A radius in ℓ∞ for pixels in [0, 1]: at 1 the ball holds every image, so a larger one is in the wrong unit. */
export const EpsilonLinf = z
  .number()
  .positive()
  .lt(1, { error: ({ input }) => tooLarge(input) });

/** A radius in ℓ2 for pixels in [0, 1]; its upper bound √pixels is checked when the pixels are known. */
export const EpsilonL2 = z.number().positive();

/** A radius in ℓ1 for pixels in [0, 1]; its upper bound, the number of pixels, is checked when that is known. */
export const EpsilonL1 = z.number().positive();

/** The options of a shape with their defaults; a UsageError names each one that is unknown or out of range. */
export function resolve<S extends z.ZodType>(schema: S, options: unknown): z.output<S> {
  return parseOptions(schema, options, {
    label: (name) => name,
    describe: () => undefined,
    names: namesIn(schema),
  });
}

/** The names of all options; of a choice between shapes, those of all of them. */
function namesIn(schema: z.ZodType): readonly string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (!(schema instanceof z.ZodUnion)) return [];
  return [
    ...new Set(schema.options.flatMap((one) => (one instanceof z.ZodType ? namesIn(one) : []))),
  ];
}

/** Options of a bounded attack in the paper's two norms. */
export const inPaperBall = <Own extends z.core.$ZodLooseShape>(own: Own) =>
  z.discriminatedUnion("norm", [
    z.strictObject({ norm: z.literal("linf"), epsilon: EpsilonLinf, ...own }),
    z.strictObject({ norm: z.literal("l2"), epsilon: EpsilonL2, ...own }),
  ]);

/** Options of a bounded attack: a norm, a radius in its range, and the attack's own. */
export const inBall = <Own extends z.core.$ZodLooseShape>(own: Own) =>
  z.discriminatedUnion("norm", [
    z.strictObject({ norm: z.literal("linf"), epsilon: EpsilonLinf, ...own }),
    z.strictObject({ norm: z.literal("l2"), epsilon: EpsilonL2, ...own }),
    z.strictObject({ norm: z.literal("l1"), epsilon: EpsilonL1, ...own }),
  ]);

/** Whether an example is done once it is misclassified; not so where the victim is randomised and may have been lucky. */
export const StopWhenBroken = z
  .boolean()
  .default(true)
  .describe("leave a misclassified example alone; off for a randomised victim");
