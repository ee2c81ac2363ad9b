import { UsageError } from "../math/usage-error.ts";
import type { Image } from "./data-files.ts";
import {
  centreCrop,
  type FilterName,
  type Margin,
  padTo,
  resize,
  resizeInProportion,
  resizeShorter,
} from "./resize.ts";

/** Steps that bring images to one size, in this order: cut, resize, crop. */
export interface Sizing {
  /** Height and width of a centre crop before resizing, as shares of the shorter side. */
  readonly cut?: readonly number[] | undefined;
  /** [shorter side] or [height, width], in pixels. */
  readonly resize?: readonly number[] | undefined;
  /** Keeps proportions: resizes until the image covers height and width, or fits into them. By default it is squashed. */
  readonly fit?: "cover" | "contain" | undefined;
  /** Centre crop after resizing: [side of a square] or [height, width], in pixels. */
  readonly crop?: readonly number[] | undefined;
  /** How an odd margin around a crop is halved; by default `even`, as in torchvision. */
  readonly margin?: Margin | undefined;
  /** Border of an image that is smaller than its crop: one level, or one per channel. Without it this is an error. */
  readonly fill?: readonly number[] | undefined;
  /** By default bilinear. */
  readonly interpolation?: FilterName | undefined;
}

/** `224 × 160`. */
const sides = (numbers: readonly number[]): string => numbers.join(" × ");

/** Steps in words: `resize the shorter side to 256 (bicubic)`, `crop the middle 224 × 224`. */
export function describeSizing(sizing: Sizing): string[] {
  const { cut, resize: to, fit, crop, fill, interpolation = "bilinear" } = sizing;
  const steps: string[] = [];
  if (cut !== undefined)
    steps.push(
      `crop the middle, ${sides(cut.map((share) => Number(share.toPrecision(4))))} of the shorter side`,
    );
  if (to?.length === 1) steps.push(`resize the shorter side to ${to[0]} (${interpolation})`);
  if (to?.length === 2) {
    const how = { cover: "in proportion to cover", contain: "in proportion to fit into" };
    steps.push(`resize ${fit === undefined ? "to" : how[fit]} ${sides(to)} (${interpolation})`);
  }
  if (crop !== undefined) {
    const border = fit === "contain" && fill !== undefined ? `, border ${fill.join(", ")}` : "";
    steps.push(`crop the middle ${sides(crop.length === 1 ? [crop[0], crop[0]] : crop)}${border}`);
  }
  return steps;
}

/** Crops the middle to these shares of the shorter side, [height, width]. */
function cutShares(
  image: Image,
  [height, width]: readonly number[],
  margin: Margin | undefined,
): Image {
  const shorter = Math.min(image.shape[1], image.shape[2]);
  const side = (share: number) => Math.max(Math.trunc(share * shorter), 1);
  return centreCrop(image, { height: side(height), width: side(width), margin });
}

function resized(image: Image, { resize: to, fit, interpolation }: Sizing): Image {
  if (to === undefined) return image;
  const filter = interpolation ?? "bilinear";
  const [height, width] = to;
  if (width === undefined) return resizeShorter(image, height, filter);
  if (fit === undefined) return resize(image, { height, width, filter });
  return resizeInProportion(image, { height, width, filter, fit });
}

function cropped(image: Image, { crop, margin, fill }: Sizing): Image {
  if (crop === undefined) return image;
  const [height, width = height] = crop;
  const size = { height, width, margin };
  return centreCrop(fill === undefined ? image : padTo(image, { ...size, fill }), size);
}

/** A function that sizes an image; undefined if images keep their size. */
export function sizer(sizing: Sizing): ((image: Image) => Image) | undefined {
  const { cut, resize: to, crop, margin, interpolation } = sizing;
  if (to === undefined && crop === undefined) {
    if (interpolation !== undefined)
      throw new UsageError(`--interpolation ${interpolation} resizes nothing without --resize`, {
        code: "bad-option",
      });
    return undefined;
  }
  return (image) => {
    const middle = cut === undefined ? image : cutShares(image, cut, margin);
    return cropped(resized(middle, sizing), sizing);
  };
}
