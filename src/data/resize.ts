// Pillow's resize() of 8-bit images with each of its filters, bit for bit on every platform. Networks were trained on such
// images, and other filters cost accuracy.

import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Image } from "./data-files.ts";

/** sin(πx)/(πx). */
const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** A reconstruction filter. It is 0 beyond `support`, in pixels of the coarser of the two grids. */
interface Filter {
  readonly support: number;
  readonly at: (x: number) => number;
}

const filters = {
  bilinear: { support: 1, at: (x) => Math.max(1 - Math.abs(x), 0) },
  // Keys 1981, "Cubic convolution interpolation", with a = −1/2.
  bicubic: {
    support: 2,
    at(x) {
      const d = Math.abs(x);
      if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
      return d < 2 ? -0.5 * (((d - 5) * d + 8) * d - 4) : 0;
    },
  },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  hamming: {
    support: 1,
    at: (x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0),
  },
} satisfies Readonly<Record<string, Filter>>;

/** Name of a filter; `nearest` takes the closest pixel without weights. */
export type FilterName = keyof typeof filters | "nearest";

/** Names of all filters. */
export const filterNames = [...Object.keys(filters), "nearest"] as FilterName[];

/** Input pixels of one output pixel, from `first` on, and their weights in units of 2⁻²². */
interface Window {
  readonly first: number;
  readonly weights: Float64Array;
}

/** A weight of 1, as in Pillow's fixed-point arithmetic. */
const ONE = 2 ** 22;

/** Windows of all output pixels of an axis: the filter around their centres, stretched if the image shrinks. */
function windowsOf(from: number, to: number, { support, at }: Filter): Window[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support * stretch + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support * stretch + 0.5), from);
    const raw = Float64Array.from({ length: end - first }, (_, k) =>
      at((k + first - centre + 0.5) * (1 / stretch)),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => roundAway((weight / sum) * ONE)) };
  });
}

/** Rounds halves away from zero. */
const roundAway = (x: number): number => (x < 0 ? Math.trunc(x - 0.5) : Math.trunc(x + 0.5));

/**
 * Resamples along one axis whose neighbours are `stride` apart. `place` gives the offsets that a line is read from and
 * written to.
 */
function pass(
  pixels: Uint8Array,
  windows: readonly Window[],
  lines: number,
  stride: number,
  place: (line: number) => { readonly read: number; readonly write: number },
  out: Uint8Array,
): void {
  for (let line = 0; line < lines; line++) {
    const { read, write } = place(line);
    for (const [i, { first, weights }] of windows.entries()) {
      let sum = ONE / 2;
      for (let k = 0; k < weights.length; k++)
        sum += pixels[read + (first + k) * stride] * weights[k];
      out[write + i * stride] = Math.min(Math.max(Math.floor(sum / ONE), 0), 255);
    }
  }
}

const requireSize = (size: number, what: string): void => {
  if (!(Number.isInteger(size) && size > 0))
    throw new UsageError(`${what} is ${size}, but must be a whole number of pixels, 1 or more`, {
      code: "bad-option",
    });
};

/** Source pixel under the centre of each output pixel. Centres are accumulated as in Pillow, with its rounding errors. */
function nearestPixels(from: number, to: number): Int32Array {
  const step = from / to;
  const pixels = new Int32Array(to);
  let centre = step * 0.5;
  for (let i = 0; i < to; i++, centre += step) pixels[i] = Math.min(Math.trunc(centre), from - 1);
  return pixels;
}

/** Resizes with `nearest`: each output pixel is the source pixel under its centre. */
function resizeNearest({ shape, pixels }: Image, height: number, width: number): Image {
  const [channels, rows, columns] = shape;
  const [fromRow, fromColumn] = [nearestPixels(rows, height), nearestPixels(columns, width)];
  const out = new Uint8Array(channels * height * width);
  for (let line = 0; line < channels * height; line++) {
    const [channel, row] = [Math.floor(line / height), line % height];
    const start = (channel * rows + fromRow[row]) * columns;
    for (let x = 0; x < width; x++) out[line * width + x] = pixels[start + fromColumn[x]];
  }
  return { shape: [channels, height, width], pixels: out };
}

/** Resizes an image [channel, height, width] to height × width: along rows, rounded to bytes, then along columns. */
export function resize(
  { shape, pixels }: Image,
  {
    height,
    width,
    filter,
  }: { readonly height: number; readonly width: number; readonly filter: FilterName },
): Image {
  requireSize(height, "the height");
  requireSize(width, "the width");
  if (filter === "nearest") return resizeNearest({ shape, pixels }, height, width);
  const [channels, rows, columns] = shape;
  // Pillow resizes very tall images along columns first.
  if (rows > 100 * columns && height < rows && width !== columns) {
    const shortened = resize({ shape, pixels }, { height, width: columns, filter });
    return resize(shortened, { height, width, filter });
  }
  const across = new Uint8Array(channels * rows * width);
  pass(
    pixels,
    windowsOf(columns, width, filters[filter]),
    channels * rows,
    1,
    (line) => ({ read: line * columns, write: line * width }),
    across,
  );
  const out = new Uint8Array(channels * height * width);
  const place = (line: number) => {
    const [channel, column] = [Math.floor(line / width), line % width];
    return { read: channel * rows * width + column, write: channel * height * width + column };
  };
  pass(across, windowsOf(rows, height, filters[filter]), channels * width, width, place, out);
  return { shape: [channels, height, width], pixels: out };
}

/** Resizes the shorter side to `size` pixels and the longer in proportion, rounded down like torchvision's Resize. */
export function resizeShorter(image: Image, size: number, filter: FilterName): Image {
  requireSize(size, "the shorter side");
  const [, rows, columns] = image.shape;
  const longer = Math.max(
    Math.trunc((size * Math.max(rows, columns)) / Math.min(rows, columns)),
    1,
  );
  const [height, width] = rows <= columns ? [size, longer] : [longer, size];
  return resize(image, { height, width, filter });
}

/** Half of a whole number, rounded half to even, as torchvision's CenterCrop computes its corner. */
const halfEven = (n: number): number => (n % 4 === 3 ? (n + 1) / 2 : Math.floor(n / 2));

/** How an odd margin is halved: `even` rounds half to even (torchvision, timm), `floor` rounds down (transformers). */
export type Margin = "even" | "floor";

/** Size of a centre crop in pixels. */
export interface Crop {
  readonly height: number;
  readonly width: number;
  /** By default `even`. */
  readonly margin?: Margin;
}

/** Crops the middle of an image [channel, height, width]. Throws a UsageError if the image is smaller than the crop. */
export function centreCrop(
  { shape, pixels }: Image,
  { height, width, margin = "even" }: Crop,
): Image {
  const [channels, rows, columns] = shape;
  requireSize(height, "the height");
  requireSize(width, "the width");
  if (height > rows || width > columns)
    throw new UsageError(
      `an image of ${columns}×${rows} pixels cannot be cropped to ${width}×${height}; resize it first`,
      { code: "misfit" },
    );
  const half = margin === "even" ? halfEven : (n: number) => Math.floor(n / 2);
  const [top, left] = [half(rows - height), half(columns - width)];
  const cropped: Shape = [channels, height, width];
  const out = new Uint8Array(channels * height * width);
  for (let line = 0; line < channels * height; line++) {
    const [channel, row] = [Math.floor(line / height), line % height];
    const from = (channel * rows + top + row) * columns + left;
    out.set(pixels.subarray(from, from + width), line * width);
  }
  return { shape: cropped, pixels: out };
}

/**
 * Pads an image to at least height × width with `fill`, one level or one per channel. The larger half of an odd border is
 * below and to the right, or with margin `floor` above and to the left, as in the libraries.
 */
export function padTo(
  { shape, pixels }: Image,
  { height, width, fill, margin = "even" }: Crop & { readonly fill: readonly number[] },
): Image {
  const [channels, rows, columns] = shape;
  if (height <= rows && width <= columns) return { shape, pixels };
  const [tall, wide] = [Math.max(height, rows), Math.max(width, columns)];
  const half = margin === "even" ? Math.floor : Math.ceil;
  const [top, left] = [half((tall - rows) / 2), half((wide - columns) / 2)];
  const out = new Uint8Array(channels * tall * wide);
  for (let channel = 0; channel < channels; channel++) {
    out.fill(fill[channel % fill.length], channel * tall * wide, (channel + 1) * tall * wide);
    for (let row = 0; row < rows; row++) {
      const from = (channel * rows + row) * columns;
      out.set(pixels.subarray(from, from + columns), (channel * tall + top + row) * wide + left);
    }
  }
  return { shape: [channels, tall, wide], pixels: out };
}

/** Rounds half to even, like Python's `round`. */
const roundEven = (x: number): number =>
  x - Math.floor(x) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);

/**
 * Resizes an image in proportion until it just covers height × width (`cover`) or just fits into it (`contain`), like timm's
 * `ResizeKeepRatio`.
 */
export function resizeInProportion(
  image: Image,
  {
    height,
    width,
    filter,
    fit,
  }: {
    readonly height: number;
    readonly width: number;
    readonly filter: FilterName;
    readonly fit: "cover" | "contain";
  },
): Image {
  const [, rows, columns] = image.shape;
  const ratios = [rows / height, columns / width];
  const ratio = fit === "contain" ? Math.max(...ratios) : Math.min(...ratios);
  const side = (length: number) => Math.max(roundEven(length / ratio), 1);
  return resize(image, { height: side(rows), width: side(columns), filter });
}
