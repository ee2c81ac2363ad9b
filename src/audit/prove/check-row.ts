import { z } from "zod";

/** A test, by fresh draws, of an adversarial image inside a certified radius. `docs/rows.md` explains each field. */
export const CheckRow = z.looseObject({
  index: z.int().nonnegative(),
  attack: z.string(),
  norm: z.string().nullable(),
  epsilon: z.number().nullable(),
  /** Distances of the adversarial image from the clean one. */
  linf: z.number(),
  l2: z.number(),
  l1: z.number(),
  /** The certified class. */
  prediction: z.int(),
  /** Draws of the whole test, and the level at which a probability of ½ is rejected. */
  of: z.int().positive(),
  level: z.number(),
  /** Draws until the decision could no longer change, and how many of them voted for the class. */
  draws: z.int().nonnegative(),
  votes: z.int().nonnegative(),
  refuted: z.boolean(),
});
export type CheckRow = z.output<typeof CheckRow>;

/** Identifies a row within a file. */
export const checkName = ({
  index,
  attack,
  epsilon,
}: Pick<CheckRow, "index" | "attack" | "epsilon">): string => `${index} ${attack} ${epsilon}`;
