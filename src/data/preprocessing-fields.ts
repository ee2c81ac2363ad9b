// Fields and errors that all readers of preprocessing files share.
import { z } from "zod";
import { UsageError } from "../math/usage-error.ts";
import { type FilterName, filterNames } from "./resize.ts";

/** One number for all channels, or one per channel. */
export const PerChannel = z
  .union([z.number(), z.array(z.number()).min(1)])
  .transform((v): readonly number[] => [v].flat());

/** Longest side of a resized image, in pixels. */
export const MAX_SIDE = 2 ** 14;
/** A side in pixels. */
export const Side = z.int().positive().max(MAX_SIDE);

/** Largest number of problems in a message. */
const MAX_SHOWN = 5;

/** Parses a value by its schema; throws a UsageError that lists the problems. */
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
  const more = problems.length - MAX_SHOWN;
  throw new UsageError(
    `${path} cannot be used as preprocessing: ${problems.slice(0, MAX_SHOWN).join("; ")}${more > 0 ? `; and ${more} more` : ""}`,
    { code: "bad-file" },
  );
}

/** The error for a setting that is not supported: `PATH says that images are …`, with advice. */
export const unsupported = (path: string, setting: string, advice: string): UsageError =>
  new UsageError(`${path} says ${setting}, which is not supported; ${advice}`, {
    code: "bad-file",
  });

/** Finds a filter by name; throws a UsageError if it is not supported. */
export function filterNamed(path: string, name: string): FilterName {
  const found = filterNames.find((one) => one === name);
  if (found !== undefined) return found;
  throw unsupported(
    path,
    `that images are resized by ${name}`,
    `give the nearest of ${filterNames.join(", ")} and the other settings as flags, with --preprocessing none`,
  );
}

/** Filters by Pillow's number (`Image.Resampling`). */
const pillowFilters = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/** Finds a filter by Pillow's number; throws a UsageError if it does not exist. */
export const filterByPillow = (path: string, number: number): FilterName =>
  filterNamed(path, pillowFilters[number] ?? `filter ${number}`);
