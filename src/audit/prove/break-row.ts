import { z } from "zod";
import { statedRows } from "./stated-rows.ts";

/** What fresh draws say about an image whose label is not the most frequent answer in an attack's draws. `docs/rows.md` says what each field means. */
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
  /** Upper bounds on the probability that any test of this image is wrong, and that this test is. */
  alpha: z.number(),
  level: z.number(),
  /** Whether the class differs from the label. */
  broken: z.boolean(),
});
export type BreakRow = z.output<typeof BreakRow>;

/** How tests of broken images are stored. Each row states what it is about. */
export const breakFormat = statedRows(BreakRow, "test of a broken image");
