// Treatment of images that are not plain 8-bit RGB. The defaults are those of Pillow's Image.open(…).convert("RGB"), whose
// output torchvision's ImageFolder and the image processors of transformers use.
import { z } from "zod";
import type { Note } from "../math/note.ts";

/** Schema of the rules; the defaults are Pillow's. */
export const ImageRules = z.strictObject({
  imageAlpha: z
    .enum(["drop", "black", "white"])
    .default("drop")
    .describe(
      "transparent pixels of a folder's images: keep their colour (drop), or blend with black or white",
    ),
  imageExif: z
    .enum(["ignore", "apply"])
    .default("ignore")
    .describe("whether to rotate a folder's images by their EXIF orientation"),
  imageGrey16: z
    .enum(["clip", "scale"])
    .default("clip")
    .describe("16-bit grey images of a folder: clip levels at 255, or scale 65535 to white"),
});
export type ImageRules = z.output<typeof ImageRules>;

/** The defaults, Pillow's rules. */
export const pillowRules: ImageRules = ImageRules.parse({});

/** A property of an image that 8-bit RGB cannot express. */
export type ImageTrait = "alpha" | "exif" | "cmyk" | "grey16";

/** Blends an 8-bit level with a background by `alpha` (0 to 255). */
export const onBackground = (level: number, alpha: number, background: number): number =>
  Math.round((level * alpha + background * (255 - alpha)) / 255);

/** A note about `count` images with a trait, the first of which is `first`. */
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
    drop: 'transparent pixels keep the colour that is stored under them, as Pillow\'s convert("RGB") has it; --image-alpha black or white blends them with that colour',
    black: "they are blended with black",
    white: "they are blended with white",
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
