import { z } from "zod";

/** A test, by fresh draws, of an image that an attack's draws suggest is broken. `docs/rows.md` explains each field. */
export const BreakRow = z.looseObject({
  index: z.int().nonnegative(),
  /** `none` for the clean image. */
  attack: z.string(),
  norm: z.string().nullable(),
  epsilon: z.number().nullable(),
  /** Distances of the tested image from the clean one. */
  linf: z.number(),
  l2: z.number(),
  l1: z.number(),
  label: z.int(),
  /** The smoothed classifier's class at the tested image; null if the test abstains. */
  prediction: z.int().nullable(),
  /** Fresh draws, and their votes per class [classes]. */
  n: z.int().positive(),
  counts: z.array(z.int().nonnegative()),
  /** Upper bounds on the probability that any test of this image is wrong, and that this test is wrong. */
  alpha: z.number(),
  level: z.number(),
  /** Whether the class differs from the label. */
  broken: z.boolean(),
});
export type BreakRow = z.output<typeof BreakRow>;
