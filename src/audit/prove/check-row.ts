import { z } from "zod";
import { statedRows } from "./stated-rows.ts";

/** How fresh draws judged an adversarial image inside a certified radius. `docs/rows.md` says what each field means. */
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
  /** Draws that were made until the decision could no longer change, and those that voted for the class. */
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

/** How checks are stored. Each row states what it is about. */
export const checkFormat = statedRows(CheckRow, "check of a certificate");
