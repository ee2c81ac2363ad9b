import { z } from "zod";
import { statedRows } from "../prove/stated-rows.ts";

/** One search for the smallest perturbation of an image that changes its class. `docs/rows.md` says what each field means. */
export const RadiusRow = z.looseObject({
  index: z.int().nonnegative(),
  label: z.int(),
  norm: z.enum(["linf", "l2", "l1"]),
  /** `none` for an image that is wrong without an attack. */
  attack: z.string(),
  /** The ball of a bounded attack; null for a minimum-norm attack. */
  epsilon: z.number().nullable(),
  /** The length of the perturbation found, for pixels in [0, 1]; null if none was found. */
  radius: z.number().nonnegative().nullable(),
});
export type RadiusRow = z.output<typeof RadiusRow>;

/** How searches are stored. Each row states what it is about. */
export const radiusFormat = statedRows(RadiusRow, "search for a smallest radius");
