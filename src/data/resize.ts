// Pillow's resampling of 8-bit pictures (its resize() with BILINEAR or BICUBIC), to the bit and on every platform:
// networks were trained on such pictures, and other filters cost accuracy.

import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Picture } from "./data-files.ts";

/** A reconstruction filter, 0 beyond `support` input pixels (of the larger ones, where a picture shrinks). */
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
} satisfies Readonly<Record<string, Filter>>;

/** How pixels between pixels are found. */
export type FilterName = keyof typeof filters;

/** All filters, by name. */
export const filterNames = Object.keys(filters) as FilterName[];

/** The input pixels from `first` on that make one output pixel, and their weights in units of 2⁻²². */
interface Window {
  readonly first: number;
  readonly weights: Float64Array;
}

const ONE = 2 ** 22;

/** The window of each pixel of an axis: the filter around its centre, as wide as a pixel of the larger grid. */
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

const roundAway = (x: number): number => (x < 0 ? Math.trunc(x - 0.5) : Math.trunc(x + 0.5));

/** One pass along an axis whose neighbours lie `stride` apart; each line is read at `from(line)` and written at `to(line)`. */
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
    throw new UsageError(
      `${what} is ${size}, but a picture has a whole number of pixels, 1 or more`,
    );
};

/** The picture at another size, [channel, height, width]: first along rows, rounded to bytes, then along columns. */
export function resize(
  { shape, pixels }: Picture,
  {
    height,
    width,
    filter,
  }: { readonly height: number; readonly width: number; readonly filter: FilterName },
): Picture {
  requireSize(height, "the height");
  requireSize(width, "the width");
  const [channels, rows, columns] = shape;
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

/** The picture with its shorter side `size` and the longer in proportion, rounded down as torchvision's Resize does. */
export function resizeShorter(picture: Picture, size: number, filter: FilterName): Picture {
  requireSize(size, "the shorter side");
  const [, rows, columns] = picture.shape;
  const longer = Math.max(
    Math.trunc((size * Math.max(rows, columns)) / Math.min(rows, columns)),
    1,
  );
  const [height, width] = rows <= columns ? [size, longer] : [longer, size];
  return resize(picture, { height, width, filter });
}

/** Half of a whole number, rounded to the even neighbour, as torchvision's CenterCrop places its corner. */
const halfEven = (n: number): number => (n % 4 === 3 ? (n + 1) / 2 : Math.floor(n / 2));

/** The middle of the picture, [channel, height, width]; a picture that is smaller than that is an error. */
export function centreCrop(
  { shape, pixels }: Picture,
  { height, width }: { readonly height: number; readonly width: number },
): Picture {
  const [channels, rows, columns] = shape;
  requireSize(height, "the height");
  requireSize(width, "the width");
  if (height > rows || width > columns)
    throw new UsageError(
      `a picture of ${columns}×${rows} pixels cannot be cropped to ${width}×${height}; resize it first`,
    );
  const [top, left] = [halfEven(rows - height), halfEven(columns - width)];
  const cropped: Shape = [channels, height, width];
  const out = new Uint8Array(channels * height * width);
  for (let line = 0; line < channels * height; line++) {
    const [channel, row] = [Math.floor(line / height), line % height];
    const from = (channel * rows + top + row) * columns + left;
    out.set(pixels.subarray(from, from + width), line * width);
  }
  return { shape: cropped, pixels: out };
}
