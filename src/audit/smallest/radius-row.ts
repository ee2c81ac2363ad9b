import { z } from "zod";
import { DamagedLine, readRowLines } from "../../files/row-lines.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { FileBeside } from "../../report/evaluation.ts";

/** The file of searches in an audit's storage. */
export const RADII = "radii.jsonl";

/** One search for the smallest perturbation of an image that changes its class. `docs/rows.md` explains each field. */
export const RadiusRow = z.looseObject({
  index: z.int().nonnegative(),
  label: z.int(),
  /** CRC-32 of the clean image's pixels as float32, eight hexadecimal digits; absent in rows of earlier versions. */
  image: z.string().optional(),
  norm: z.enum(["linf", "l2", "l1"]),
  /** `none` for an image that is wrong without an attack. */
  attack: z.string(),
  /** The ball of a bounded attack; null for a minimum-norm attack. */
  epsilon: z.number().nullable(),
  /** The length of the perturbation found, for pixels in [0, 1]; null if none was found. */
  radius: z.number().nonnegative().nullable(),
  /** The image that was found; absent where none was, where the clean image is wrong, and in files of earlier versions. */
  found: z
    .looseObject({
      /** The class of that image; −1 if its scores are NaN. */
      prediction: z.int(),
      /** Distances from the clean image. */
      linf: z.number(),
      l2: z.number(),
      l1: z.number(),
      /** 1 if the image is classified correctly after rounding to 8 bits per channel, else 0. */
      correct8bit: z.int(),
    })
    .optional(),
});
export type RadiusRow = z.output<typeof RadiusRow>;

/** A search that found an adversarial image. */
export type FoundRow = RadiusRow & {
  readonly radius: number;
  readonly found: NonNullable<RadiusRow["found"]>;
};

export const isFound = (row: RadiusRow): row is FoundRow =>
  row.radius !== null && row.found !== undefined;

/** Whether the search has attacked the image, or found that it is wrong without an attack. */
export const isSearched = ({ attack, radius }: RadiusRow): boolean =>
  attack !== "none" || radius === 0;

/** Whether the row has all fields of this version. */
export const isComplete = (row: RadiusRow): boolean =>
  row.radius === null || row.radius === 0 || row.found !== undefined;

/** The searches in a file beside rows; none if there is no such file. Throws `UsageError` for a damaged line. */
export function readSearches({ file, text }: FileBeside): RadiusRow[] {
  if (text === null) return [];
  const next = "delete that line, and continue the audit with --resume";
  try {
    return readRowLines(file, text).rows.map(({ line, value }) => {
      const { data } = RadiusRow.safeParse(value);
      if (data !== undefined) return data;
      throw new DamagedLine(`${file}:${line} is not a row about a search for a smallest radius`);
    });
  } catch (error) {
    if (!(error instanceof DamagedLine)) throw error;
    throw new UsageError(error.message, { code: "bad-file", next });
  }
}
