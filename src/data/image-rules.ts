// What becomes of an image that is more than 8-bit red, green and blue. The defaults are those of Pillow's
// Image.open(…).convert("RGB"), which torchvision's ImageFolder and the image processors of transformers are fed.

import { z } from "zod";
import type { Note } from "../math/note.ts";

/** The rules, with Pillow's as defaults. */
export const ImageRules = z.strictObject({
  imageAlpha: z
    .enum(["drop", "black", "white"])
    .default("drop")
    .describe(
      "transparent pixels of a folder's images: keep their colour, or lay them on a colour",
    ),
  imageExif: z
    .enum(["ignore", "apply"])
    .default("ignore")
    .describe("turn a folder's images as their EXIF orientation says"),
  imageGrey16: z
    .enum(["clip", "scale"])
    .default("clip")
    .describe("16-bit grey images of a folder: levels above 255 are white, or 65535 is"),
});
export type ImageRules = z.output<typeof ImageRules>;

/** Pillow's rules. */
export const pillowRules: ImageRules = ImageRules.parse({});

/** What makes an image more than 8-bit red, green and blue. */
export type ImageTrait = "alpha" | "exif" | "cmyk" | "grey16";

/** A channel in 8 bits under `alpha` (0 to 255) on a background. */
export const onBackground = (level: number, alpha: number, background: number): number =>
  Math.round((level * alpha + background * (255 - alpha)) / 255);

/** What a reader must know of images with a trait. */
export const traitNote = (
  trait: ImageTrait,
  count: number,
  first: string,
  rules: ImageRules,
): Note => ({ code: `image-${trait}`, text: traitText(trait, count, first, rules) });

function traitText(
  trait: ImageTrait,
  count: number,
  first: string,
  { imageAlpha, imageExif, imageGrey16 }: ImageRules,
): string {
  const images = count === 1 ? `1 image (${first})` : `${count} images (${first} first)`;
  const have = count === 1 ? "has" : "have";
  const alpha = {
    drop: 'transparent pixels keep the colour that is stored under them, as Pillow\'s convert("RGB") has it; --image-alpha black or white lays them on a colour',
    black: "they are laid on black",
    white: "they are laid on white",
  };
  switch (trait) {
    case "alpha":
      return `${images} ${have} transparent pixels (alpha): ${alpha[imageAlpha]}`;
    case "exif":
      return imageExif === "apply"
        ? `${images} ${have} an EXIF orientation, which is applied; torchvision does not apply it`
        : `${images} ${have} an EXIF orientation, which is not applied, as torchvision does not; --image-exif apply turns them`;
    case "cmyk":
      return `${images} ${have} CMYK colours, converted without a profile as Pillow does`;
    case "grey16":
      return imageGrey16 === "scale"
        ? `${images} ${have} 16-bit grey, of which 65535 is white; Pillow's convert("RGB") clips at 255`
        : `${images} ${have} 16-bit grey: levels above 255 are white, as Pillow's convert("RGB") has it; --image-grey16 scale divides by 257`;
  }
}
