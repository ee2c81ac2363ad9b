// Flags for reading and sizing images, the same for every command.
import { z } from "zod";
import type { FolderOptions } from "./folder-options.ts";
import { ImageRules, pillowRules } from "./image-rules.ts";
import { filterNames } from "./resize.ts";
import { sizer } from "./sizing.ts";

const Sides = z.array(z.int().positive()).min(1).max(2).optional();

/** Size of images, and treatment of transparency, orientation and 16-bit grey. */
export const ImageOptions = z.strictObject({
  resize: Sides.describe("resize images: length of the shorter side, or height,width"),
  crop: Sides.describe("crop the middle of images: side of the square, or height,width"),
  interpolation: z
    .enum(filterNames)
    .optional()
    .describe("Pillow's filter for --resize (default: bilinear)"),
  ...ImageRules.shape,
});
export type ImageOptions = z.output<typeof ImageOptions>;

/** The image options among the values of a command. */
export function imageOptionsIn(values: Readonly<Record<string, unknown>>): ImageOptions {
  const names = Object.keys(ImageOptions.shape);
  return ImageOptions.parse(
    Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name))),
  );
}

/** Options that differ from the defaults, for the record beside rows. */
export function statedImageOptions(options: ImageOptions): Readonly<Record<string, unknown>> {
  const defaults: Readonly<Record<string, unknown>> = pillowRules;
  return Object.fromEntries(
    Object.entries(options).filter(
      ([name, value]) => value !== undefined && value !== defaults[name],
    ),
  );
}

/** Options for opening a folder of images. `prepare` is undefined if images keep their size. */
export function preparedBy(
  options: ImageOptions,
): Pick<FolderOptions, "rules"> & { readonly prepare: ReturnType<typeof sizer> } {
  const { resize, crop, interpolation, imageAlpha, imageExif, imageGrey16 } = options;
  return {
    rules: { imageAlpha, imageExif, imageGrey16 },
    prepare: sizer({ resize, crop, interpolation }),
  };
}
