// What the readers of preprocessing files share.
import { z } from "zod";
import { UsageError } from "../math/usage-error.ts";
import { type FilterName, filterNames } from "./resize.ts";

/** A number for all channels, or one for each. */
export const PerChannel = z
  .union([z.number(), z.array(z.number()).min(1)])
  .transform((v): readonly number[] => [v].flat());

/** Pixels of a side that images may be brought to. */
export const MAX_SIDE = 2 ** 14;
export const Side = z.int().positive().max(MAX_SIDE);

/** Problems that a message lists. */
const SHOWN = 5;

/** The value by its schema; fails with what is wrong and where. */
export function parsedBy<S extends z.ZodType>(
  schema: S,
  path: string,
  value: unknown,
): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path: at, message }) =>
    [at.join("."), message].filter(Boolean).join(": "),
  );
  const more = problems.length - SHOWN;
  throw new UsageError(
    `${path} cannot be used as preprocessing: ${problems.slice(0, SHOWN).join("; ")}${more > 0 ? `; and ${more} more` : ""}`,
    { code: "bad-file" },
  );
}

/** The error for what a file asks for and is not done here. */
export const refused = (path: string, what: string, instead: string): UsageError =>
  new UsageError(`${path} says ${what}, which is not done here; ${instead}`, { code: "bad-file" });

/** The filter of that name. */
export function filterNamed(path: string, name: string): FilterName {
  const found = filterNames.find((known) => known === name);
  if (found !== undefined) return found;
  throw refused(
    path,
    `that images are resized by ${name}`,
    `give the nearest of ${filterNames.join(", ")} and the other settings by flags, with --preprocessing none`,
  );
}

/** Pillow's numbers of its filters. */
const pillowFilters = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/** The filter of Pillow's number. */
export const filterByPillow = (path: string, number: number): FilterName =>
  filterNamed(path, pillowFilters[number] ?? `filter ${number}`);
