// How images are read and sized, as flags say it: the same ones for every command.
import { z } from "zod";
import type { FolderOptions } from "./folder.ts";
import { ImageRules, pillowRules } from "./image-rules.ts";
import { filterNames } from "./resize.ts";
import { sizer } from "./sizing.ts";

const Sides = z.array(z.int().positive()).min(1).max(2).optional();

/** Size of images, and what becomes of transparency, orientation and 16-bit grey. */
export const ImageOptions = z.strictObject({
  resize: Sides.describe("length of the shorter side that images are brought to, or height,width"),
  crop: Sides.describe("side of the square that is cut from their middle, or height,width"),
  interpolation: z
    .enum(filterNames)
    .optional()
    .describe("how --resize finds pixels, as Pillow does (default: bilinear)"),
  ...ImageRules.shape,
});
export type ImageOptions = z.output<typeof ImageOptions>;

/** The options among those of a command. */
export function imageOptionsIn(values: Readonly<Record<string, unknown>>): ImageOptions {
  const names = Object.keys(ImageOptions.shape);
  return ImageOptions.parse(
    Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name))),
  );
}

/** Those that differ from the defaults, for the record of what was evaluated. */
export function statedImageOptions(options: ImageOptions): Readonly<Record<string, unknown>> {
  const usual: Readonly<Record<string, unknown>> = pillowRules;
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => value !== undefined && value !== usual[name]),
  );
}

/** The same as what opening a folder takes; `prepare` is undefined where images keep their size. */
export function preparedBy(
  options: ImageOptions,
): Pick<FolderOptions, "rules"> & { readonly prepare: ReturnType<typeof sizer> } {
  const { resize, crop, interpolation, imageAlpha, imageExif, imageGrey16 } = options;
  return {
    rules: { imageAlpha, imageExif, imageGrey16 },
    prepare: sizer({ resize, crop, interpolation }),
  };
}
