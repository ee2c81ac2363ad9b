import { UsageError } from "../math/usage-error.ts";
import type { Picture } from "./data-files.ts";
import { centreCrop, type FilterName, resize, resizeShorter } from "./resize.ts";

/** How pictures of a folder are brought to one size. */
export interface Sizing {
  /** One number: the length of the shorter side; two: height and width, whatever becomes of the proportions. */
  readonly resize?: readonly number[] | undefined;
  /** The side of the square that is cut from the middle, or its height and width. */
  readonly crop?: readonly number[] | undefined;
  /** By default bilinear. */
  readonly interpolation?: FilterName | undefined;
}

/** `256`, or `224 × 160`. */
const sides = (numbers: readonly number[]): string => numbers.join(" × ");

/** The sizing in words: `shorter side 256 (bicubic), middle 224`; empty where pictures stay as they are. */
export function describeSizing({ resize, crop, interpolation = "bilinear" }: Sizing): string {
  const resized =
    resize === undefined
      ? []
      : [
          `resized to ${resize.length === 1 ? "a shorter side of " : ""}${sides(resize)} (${interpolation})`,
        ];
  const cropped =
    crop === undefined
      ? []
      : [`cropped to the middle ${sides(crop.length === 1 ? [...crop, ...crop] : crop)}`];
  return [...resized, ...cropped].join(", ");
}

/** What `openFolder` does to each picture; undefined where they stay as they are. */
export function sizer({
  resize: to,
  crop,
  interpolation,
}: Sizing): ((picture: Picture) => Picture) | undefined {
  if (to === undefined && crop === undefined) {
    if (interpolation !== undefined)
      throw new UsageError(`--interpolation ${interpolation} resizes nothing without --resize`);
    return undefined;
  }
  const filter = interpolation ?? "bilinear";
  return (picture) => {
    const [side, width] = to ?? [];
    const resized =
      side === undefined
        ? picture
        : width === undefined
          ? resizeShorter(picture, side, filter)
          : resize(picture, { height: side, width, filter });
    if (crop === undefined) return resized;
    const [height, across = height] = crop;
    return centreCrop(resized, { height, width: across });
  };
}
