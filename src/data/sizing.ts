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

/** How images are brought to one size. */
export interface Sizing {
  /** Shares of the shorter side, as height and width, that are cut from the middle before resizing. */
  readonly cut?: readonly number[] | undefined;
  /** One number: the length of the shorter side; two: height and width. */
  readonly resize?: readonly number[] | undefined;
  /** Of height and width: scaled in proportion until the image covers both or fits into both; squashed by default. */
  readonly fit?: "cover" | "contain" | undefined;
  /** The side of the square that is cut from the middle, or its height and width. */
  readonly crop?: readonly number[] | undefined;
  /** How an odd margin around a crop is halved; by default as torchvision does. */
  readonly margin?: Margin | undefined;
  /** Levels, one or one per channel, of the border around an image that is smaller than its crop; by default an error. */
  readonly fill?: readonly number[] | undefined;
  /** By default bilinear. */
  readonly interpolation?: FilterName | undefined;
}

/** `224 × 160`. */
const sides = (numbers: readonly number[]): string => numbers.join(" × ");

/** The steps in words: `resize the shorter side to 256 (bicubic)`, `crop the middle 224 × 224`. */
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

const shared = (image: Image, [tall, wide]: readonly number[], margin: Margin | undefined) => {
  const shorter = Math.min(image.shape[1], image.shape[2]);
  const side = (share: number) => Math.max(Math.trunc(share * shorter), 1);
  return centreCrop(image, { height: side(tall), width: side(wide), margin });
};

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

/** What is done to each image; undefined where images stay as they are. */
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
    const middle = cut === undefined ? image : shared(image, cut, margin);
    return cropped(resized(middle, sizing), sizing);
  };
}
