// Images of a page, and image files, as tensors.
import { messageOf } from "../math/message-of.ts";
import { concatRows, type Tensor, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Image } from "./data-files.ts";
import { greyLevels } from "./grey.ts";
import { type ImageRules, onBackground, pillowRules } from "./image-rules.ts";
import { type Sizing, sizer } from "./sizing.ts";

/** Pixels of a page: red, green, blue and alpha of each pixel, row by row, as `ImageData` has them. */
export interface PagePixels {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/** A canvas of a page, or an `OffscreenCanvas`. */
export interface PageCanvas {
  readonly width: number;
  readonly height: number;
  getContext(kind: "2d"): {
    getImageData(x: number, y: number, width: number, height: number): PagePixels;
  } | null;
}

/** An image: pixels of a page, a canvas, or the contents of an image file. */
export type ImageSource = PagePixels | PageCanvas | Blob | Uint8Array | ArrayBuffer;

/** How images become tensors: sizing as by `--resize` and `--crop`, and what happens to transparent pixels. */
export interface ImageTensorOptions extends Pick<Sizing, "resize" | "crop" | "interpolation"> {
  /** 3 by default (red, green, blue), or 1 for grey. */
  readonly channels?: 1 | 3 | undefined;
  /** Transparent pixels keep their colour (`drop`, the default), or are blended with black or white. */
  readonly imageAlpha?: ImageRules["imageAlpha"] | undefined;
  /** Whether to rotate files by their EXIF orientation; by default not. */
  readonly imageExif?: ImageRules["imageExif"] | undefined;
}

/** Decodes an image file to bytes [3, height, width]. */
export type DecodeImage = (bytes: Uint8Array, rules: ImageRules) => Promise<Image>;

/** Bytes [3, height, width] of a page's pixels. */
export function imageOfPixels(
  { width, height, data }: PagePixels,
  imageAlpha: ImageRules["imageAlpha"] = "drop",
): Image {
  const area = width * height;
  if (data.length !== 4 * area)
    throw new UsageError(
      `an image of ${width}×${height} pixels has ${data.length} numbers, not ${4 * area} (red, green, blue, alpha)`,
      { code: "misfit" },
    );
  const pixels = new Uint8Array(3 * area);
  const background = imageAlpha === "white" ? 255 : 0;
  for (let i = 0; i < area; i++)
    for (let c = 0; c < 3; c++) {
      const [level, alpha] = [data[4 * i + c], data[4 * i + 3]];
      pixels[c * area + i] = imageAlpha === "drop" ? level : onBackground(level, alpha, background);
    }
  return { shape: [3, height, width], pixels };
}

/** The parts of a page that decode image files. */
interface PageDecoder {
  readonly createImageBitmap?: (
    blob: Blob,
    options: object,
  ) => Promise<{ readonly width: number; readonly height: number; close(): void }>;
  readonly OffscreenCanvas?: new (
    width: number,
    height: number,
  ) => { getContext(kind: "2d"): PageContext | null };
}

interface PageContext {
  drawImage(image: object, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): PagePixels;
}

/** Decodes an image file as the browser does, without colour management. Throws `UsageError` outside a page. */
export const decodeInPage: DecodeImage = async (bytes, { imageAlpha, imageExif }) => {
  const { createImageBitmap, OffscreenCanvas } = globalThis as unknown as PageDecoder;
  if (createImageBitmap === undefined || OffscreenCanvas === undefined)
    throw new UsageError(
      "nothing here decodes image files; in Node use imageTensor of rampart/node",
      {
        code: "unavailable",
      },
    );
  const bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
    imageOrientation: imageExif === "apply" ? "from-image" : "none",
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (context === null)
    throw new UsageError("this page has no 2d canvas, which image files are decoded with", {
      code: "unavailable",
    });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return imageOfPixels(context.getImageData(0, 0, width, height), imageAlpha);
};

async function bytesOf(source: Blob | Uint8Array | ArrayBuffer): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  return new Uint8Array(source instanceof Blob ? await source.arrayBuffer() : source);
}

/** Bytes [3, height, width] of a source. Throws `UsageError` for anything that is not an image. */
async function imageOf(
  source: ImageSource,
  rules: ImageRules,
  decode: DecodeImage,
): Promise<Image> {
  if (source instanceof Blob || source instanceof Uint8Array || source instanceof ArrayBuffer) {
    const bytes = await bytesOf(source);
    try {
      return await decode(bytes, rules);
    } catch (cause) {
      if (cause instanceof UsageError) throw cause;
      const message = messageOf(cause);
      throw new UsageError(`a file of ${bytes.length} bytes is not a readable image: ${message}`, {
        code: "bad-file",
        cause,
      });
    }
  }
  if (typeof source === "object" && source !== null && "getContext" in source) {
    const { width, height } = source;
    const pixels = source.getContext("2d")?.getImageData(0, 0, width, height);
    if (pixels !== undefined) return imageOfPixels(pixels, rules.imageAlpha);
    throw new UsageError("the canvas has no 2d context, so its pixels cannot be read", {
      code: "misfit",
    });
  }
  if (typeof source === "object" && source !== null && "data" in source)
    return imageOfPixels(source, rules.imageAlpha);
  throw new UsageError(
    "the image is neither ImageData, nor a canvas, nor a file (a Blob, a Uint8Array or an ArrayBuffer)",
    { code: "bad-option" },
  );
}

/** Pixels [1, channels, height, width] in [0, 1] of bytes. */
function tensorOf({ shape, pixels }: Image, channels: 1 | 3): Tensor {
  const [, height, width] = shape;
  const levels = channels === 3 ? pixels : greyLevels(pixels);
  return tensor(
    [1, channels, height, width],
    new Float32Array(levels).map((level) => level / 255),
  );
}

/** `imageTensor` with a decoder of image files. */
export async function imageTensorWith(
  decode: DecodeImage,
  sources: ImageSource | readonly ImageSource[],
  options: ImageTensorOptions = {},
): Promise<Tensor> {
  const { channels = 3, imageAlpha, imageExif, resize, crop, interpolation } = options;
  const rules: ImageRules = {
    ...pillowRules,
    imageAlpha: imageAlpha ?? pillowRules.imageAlpha,
    imageExif: imageExif ?? pillowRules.imageExif,
  };
  const prepare = sizer({ resize, crop, interpolation });
  const list = (Array.isArray(sources) ? sources : [sources]) as readonly ImageSource[];
  if (list.length === 0) throw new UsageError("no image is given", { code: "missing-option" });
  const tensors: Tensor[] = [];
  for (const source of list) {
    const image = await imageOf(source, rules, decode);
    tensors.push(tensorOf(prepare === undefined ? image : prepare(image), channels));
  }
  const [{ shape }] = tensors;
  const other = tensors.find((one) => one.shape.join() !== shape.join());
  if (other !== undefined)
    throw new UsageError(
      `images have ${shape.slice(2).join("×")} and ${other.shape.slice(2).join("×")} pixels (height × width); bring them to one size by resize and crop`,
      { code: "misfit" },
    );
  return concatRows(tensors);
}

/**
 * One image or several as pixels [image, channel, height, width] in [0, 1]. The pixels of `ImageData` are taken exactly; a canvas
 * keeps colours of transparent pixels only roughly. Image files are decoded by the browser. Resizing is that of `--resize` and
 * `--crop`, Pillow's. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { imageTensor } from "rampart/web";
 *
 * const pixels = { width: 2, height: 1, data: new Uint8ClampedArray([255, 0, 0, 255, 0, 0, 0, 255]) };
 * const x = await imageTensor(pixels, { resize: [4, 4] }); // or a canvas, or files of an <input>
 * console.log(x.shape); // [1, 3, 4, 4]
 * ```
 */
export const imageTensor = (
  sources: ImageSource | readonly ImageSource[],
  options: ImageTensorOptions = {},
): Promise<Tensor> => imageTensorWith(decodeInPage, sources, options);
